// Loaded into every shop (NODE_OPTIONS=--require=...): its servers listen on 127.0.0.1 whatever they were told, and
// connections to anything else are refused at once, so that telemetry can neither leave the machine nor hang.
'use strict';
const net = require('node:net');
const dns = require('node:dns');
const LOCAL = /^(localhost|127\.\d+\.\d+\.\d+|::1|::ffff:127\.\d+\.\d+\.\d+)$/i;

const { listen } = net.Server.prototype;
net.Server.prototype.listen = function (...args) {
    const to = args[0];
    if (to !== null && typeof to === 'object') {
        if (to.port !== undefined && to.path === undefined) args[0] = { ...to, host: '127.0.0.1' };
    } else if (typeof to === 'number' || /^\d+$/.test(to)) {
        if (typeof args[1] === 'string') args[1] = '127.0.0.1';
        else args.splice(1, 0, '127.0.0.1');
    }
    return listen.apply(this, args);
};

function refusal(host) {
    const error = new Error(`connection to ${host} refused: this process may use the loopback only`);
    error.code = 'ECONNREFUSED';
    return error;
}

function hostOf(args) {
    const to = Array.isArray(args[0]) ? args[0][0] : args[0]; // net.connect passes its arguments as a list
    if (to && typeof to === 'object') return to.path ? null : to.host || 'localhost';
    return typeof args[1] === 'string' ? args[1] : null;
}

const { connect } = net.Socket.prototype;
net.Socket.prototype.connect = function (...args) {
    const host = hostOf(args);
    if (!host || LOCAL.test(host)) return connect.apply(this, args);
    process.nextTick(() => this.destroy(refusal(host)));
    return this;
};

const { lookup } = dns;
dns.lookup = function (host, ...rest) {
    if (!host || LOCAL.test(host) || net.isIP(host)) return lookup.call(this, host, ...rest);
    process.nextTick(rest[rest.length - 1], refusal(host));
};
