"""A mailbox by IMAP with five order mails, of which the server does not give the second as it should.

odd_imap.py PORT MODE (0 = a free port, which is printed): other = the third under its own UID; nil, none = no text; cut = the connection breaks in it;
huge = it announces more than it has; fine = nothing is odd."""
import socket
import sys
import threading

port, mode = int(sys.argv[1]), sys.argv[2]


def mail(number):
    return (f"From: shop@shop.example\r\nSubject: Web Order\r\nMessage-ID: <m{number}@x>\r\n\r\norder_number: {number}\r\n"
            "sku_1: A\r\nqty_1: 2\r\nprice_1: 5.00\r\ntotal: 10.00\r\n").encode()


box = {number: mail(number) for number in range(1, 6)}


def give(uid):
    """The answer for a mail, and whether the connection goes on behind it."""
    text, told = box[uid], uid
    if uid == 2 and mode == "none":
        return b"", True
    if uid == 2 and mode == "nil":
        return b"* 2 FETCH (UID 2 BODY[] NIL)\r\n", True
    if uid == 2 and mode == "other":
        text, told = box[3], 3
    size = 99999999999 if uid == 2 and mode == "huge" else len(text)
    whole = b"* %d FETCH (UID %d BODY[] {%d}\r\n" % (told, told, size) + text + b")\r\n"
    return (whole, True) if uid != 2 or mode not in ("cut", "huge") else (whole[:120], False)


def answer(command):
    """What is said to a command before its OK, and whether the connection goes on."""
    words = command.upper()
    if words.startswith("CAPABILITY"):
        return b"* CAPABILITY IMAP4rev1 UIDPLUS MOVE\r\n", True
    if words.startswith("SELECT"):
        return b"* %d EXISTS\r\n* OK [UIDVALIDITY 7] ok\r\n" % len(box), True
    if words.startswith("UID MOVE"):
        box.pop(int(words.split()[2]), None)
    if not words.startswith("UID FETCH"):
        return b"", True
    first, _, last = words.split()[2].partition(":")
    uids = [uid for uid in sorted(box) if uid >= int(first) and (last == "*" or uid <= int(last or first))]
    if "BODY" in words:
        return give(uids[0]) if uids else (b"", True)
    return b"".join(b"* %d FETCH (UID %d RFC822.SIZE %d FLAGS ())\r\n" % (uid, uid, len(box[uid])) for uid in uids), True


def serve(connection):
    lines = connection.makefile("rb")
    connection.sendall(b"* OK ready\r\n")
    for line in lines:
        tag, _, command = line.decode().strip().partition(" ")
        said, goes_on = answer(command)
        try:
            connection.sendall(said + (f"{tag} OK done\r\n".encode() if goes_on else b""))
        except OSError:
            return
        if not goes_on or command.upper().startswith("LOGOUT"):
            connection.shutdown(socket.SHUT_RDWR)
            return


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
listener.bind(("127.0.0.1", port))
listener.listen(5)
print(listener.getsockname()[1], flush=True)
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
