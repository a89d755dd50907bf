// A Vendure server on loopback with what an integration needs and nothing else: no dashboard, no mail, no pictures.
'use strict';
process.env.VENDURE_DISABLE_TELEMETRY = 'true';
const vendure = require('@vendure/core');

const config = {
    apiOptions: { hostname: '127.0.0.1', port: Number(process.env.PORT) },
    authOptions: {
        tokenMethod: ['bearer', 'api-key'],
        requireVerification: false, // a customer who registers may log in at once
        superadminCredentials: { identifier: process.env.ADMIN_USER, password: process.env.ADMIN_PASSWORD },
    },
    dbConnectionOptions: { type: 'postgres', url: process.env.DATABASE_URL, synchronize: true, logging: false },
    paymentOptions: { paymentMethodHandlers: [vendure.dummyPaymentHandler] },
    logger: new vendure.DefaultLogger({ level: vendure.LogLevel.Warn }),
};

vendure.bootstrap(config)
    .then(app => app.get(vendure.JobQueueService).start())
    .catch(error => { console.error(error); process.exit(1); });
