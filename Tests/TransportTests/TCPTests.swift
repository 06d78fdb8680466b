import Runtime
import TestSupport
import Testing

@testable import Transport

private let hello = FrameType(rawValue: 1)
private let timeout = Duration.seconds(20)

@Suite("TCP")
struct TCPTests {
    @Test("connects by address and by name", arguments: ["127.0.0.1", "::1", "localhost"])
    func connects(host: String) throws {
        let any = NetworkAddress(host: host, port: 0)
        // A machine without IPv6 cannot listen there.
        guard let listener = try? TCPListener(on: any, failureTimeout: timeout) else {
            #expect(host == "::1")
            return
        }
        #expect(listener.address.port != 0)
        let near = try TCPConnector.connect(
            to: NetworkAddress(host: host, port: listener.address.port), timeout: timeout,
            failureTimeout: timeout)
        let far = try #require(try listener.accept(timeout: timeout))
        #expect(near.localAddress == far.peerAddress)
        try MessageConnection(near).send(hello, payload: [1, 2, 3], timeout: timeout)
        #expect(try MessageConnection(far).receive(timeout: timeout)?.payload == [1, 2, 3])
    }

    @Test("an address of another machine is said to be one, and the port is not blamed")
    func refusesForeignAddress() throws {
        let foreign = NetworkAddress(host: "192.0.2.1", port: 0)
        let error = #expect(throws: TransportError.self) {
            try TCPListener(on: foreign, failureTimeout: timeout)
        }
        let text = error?.description ?? ""
        #expect(text.hasPrefix("cannot listen on 192.0.2.1:0: Cannot assign"), "\(text)")
        #expect(text.contains("no such address") && !text.contains("port"), "\(text)")
    }

    @Test("a closed port is named with the reason for every address")
    func namesUnreachable() throws {
        let listener = try TCPListener(
            on: NetworkAddress(host: "127.0.0.1", port: 0), failureTimeout: timeout)
        let address = listener.address
        listener.shutDown()
        let error = #expect(throws: TransportError.self) {
            try TCPConnector.connect(to: address, timeout: timeout, failureTimeout: timeout)
        }
        #expect(error?.description.contains("Connection refused") == true)
    }

    @Test("a taken port is named")
    func namesTakenPort() throws {
        let listener = try TCPListener(
            on: NetworkAddress(host: "127.0.0.1", port: 0), failureTimeout: timeout)
        let error = #expect(throws: TransportError.self) {
            try TCPListener(on: listener.address, failureTimeout: timeout)
        }
        #expect(error?.description.contains("in use") == true)
    }

    @Test("an unknown host is named")
    func namesUnknownHost() {
        let error = #expect(throws: TransportError.self) {
            try TCPConnector.connect(
                to: NetworkAddress(host: "no-such-host.invalid", port: 1), timeout: timeout,
                failureTimeout: timeout)
        }
        #expect(error?.description.contains("no-such-host.invalid") == true)
    }

    @Test("shutting a listener down wakes who waits in accept")
    func shutDownWakesAccept() throws {
        let listener = try TCPListener(
            on: NetworkAddress(host: "127.0.0.1", port: 0), failureTimeout: timeout)
        let thread = try NamedThread("accept") {
            #expect(throws: TransportError.shutDown(peer: "\(listener.address)")) {
                try listener.accept(timeout: .seconds(60))
            }
        }
        listener.shutDown()
        thread.join()
    }

    @Test("the end of an acceptor does not wait for strangers who say nothing")
    func acceptorEndsWithStrangers() throws {
        let acceptor = try ConnectionAcceptor(
            TCPListener(on: NetworkAddress(host: "127.0.0.1", port: 0), failureTimeout: timeout),
            name: "acceptor", handshakeTimeout: .seconds(86_400), log: Log(prefix: "test")
        ) { _, _ in }
        // One more than may wait: the first of them have been taken in when it is, too.
        let strangers = try (0..<Limits.pendingConnections + 8).map { _ in
            try TCPConnector.connect(
                to: acceptor.address, timeout: timeout, failureTimeout: timeout)
        }
        let hasEnded = Monitor(false)
        let thread = try NamedThread("closer") {
            acceptor.close()
            hasEnded.update { $0 = true }
        }
        let ends = hasEnded.wait(timeout: .seconds(60), until: { $0 }, then: { _ in true })
        #expect(ends == true)
        if ends == true { thread.join() }
        withExtendedLifetime(strangers) {}
    }

    @Test("strangers are refused while others are let in")
    func acceptorRefusesStrangers() throws {
        let arrivals = Monitor<[(MessageConnection, Frame)]>([])
        let acceptor = try ConnectionAcceptor(
            TCPListener(on: NetworkAddress(host: "127.0.0.1", port: 0), failureTimeout: timeout),
            name: "acceptor", handshakeTimeout: .milliseconds(200), log: Log(prefix: "test")
        ) { connection, frame in
            arrivals.update { $0.append((connection, frame)) }
        }
        func connect() throws -> Socket {
            try TCPConnector.connect(
                to: acceptor.address, timeout: timeout, failureTimeout: timeout)
        }
        let silent = MessageConnection(try connect())
        let garbage = try connect()
        try writeAll(Array("GET / HTTP/1.1\r\nHost: here\r\n\r\n".utf8), to: garbage)
        let tooLong = try connect()
        try writeAll(frameBytes(hello, payload: [UInt8](repeating: 0, count: 70_000)), to: tooLong)
        let stranger = try connect()
        var bytes = frameBytes(hello, payload: [])
        bytes[3] = 2
        try writeAll(bytes, to: stranger)
        let friend = MessageConnection(try connect())
        try friend.send(hello, payload: [42], timeout: timeout)
        let arrived = arrivals.wait(
            timeout: timeout, until: { !$0.isEmpty }, then: { $0.map(\.1.payload) })
        #expect(arrived == [[42]])
        for socket in [garbage, tooLong] {
            #expect(throws: TransportError.self) {
                _ = try MessageConnection(socket).receive(timeout: timeout)
            }
        }
        let refusal = try #require(try MessageConnection(stranger).receive(timeout: timeout))
        #expect(refusal.header.type == .refused)
        #expect(String(decoding: refusal.payload, as: UTF8.self).contains("version 2"))
        #expect(throws: TransportError.self) { _ = try silent.receive(timeout: timeout) }
        #expect(arrivals.withLock { $0.count } == 1)
        acceptor.close()
    }
}

@Suite("Network addresses")
struct NetworkAddressTests {
    @Test(
        "reads hosts and ports",
        arguments: [
            ("node7:7000", "node7", 7000), ("10.0.0.4:0", "10.0.0.4", 0),
            ("[::1]:7000", "::1", 7000), ("[fe80::1]", "fe80::1", 99), ("node7", "node7", 99),
            ("::1", "::1", 99),
        ] as [(String, String, UInt16)])
    func reads(text: String, host: String, port: UInt16) throws {
        let address = try NetworkAddress(parsing: text, defaultPort: 99)
        #expect(address == NetworkAddress(host: host, port: port))
        #expect(try NetworkAddress(parsing: address.description) == address)
    }

    @Test(
        "refuses what is no address",
        arguments: [
            "", ":7000", "node7", "::1", "node7:", "node7:x", "node7:65536", "node7:-1", "[::1",
            "[::1]7000", "[]:1", "a b:1", "node7:+5",
        ])
    func refuses(text: String) {
        #expect(throws: NetworkAddressError.self) { try NetworkAddress(parsing: text) }
    }
}

@Suite("Message fields")
struct FieldTests {
    @Test("fields come back and unknown tags are passed over")
    func roundTrip() throws {
        var inner = FieldWriter()
        inner.append(1, "inside")
        var writer = FieldWriter()
        writer.append(1, 7)
        writer.append(999, [1, 2, 3])
        writer.append(2, "Grüße")
        writer.append(3, -0.5)
        writer.append(4, true)
        writer.append(5, inner)
        writer.append(6, [UInt8(1)])
        writer.append(6, [UInt8(2)])
        let reader = try FieldReader(writer.bytes)
        #expect(try reader.count(1) == 7)
        #expect(try reader.text(2) == "Grüße")
        #expect(try reader.double(3) == -0.5)
        #expect(try reader.flag(4))
        #expect(try !reader.flag(40))
        #expect(try reader.message(5).text(1) == "inside")
        #expect(reader.all(6) == [[1], [2]])
        #expect(throws: FieldError.missing(tag: 50)) { try reader.text(50) }
        #expect(throws: FieldError.wrongSize(tag: 6, expectedBytes: 8, foundBytes: 1)) {
            try reader.integer(6)
        }
        #expect(throws: FieldError.outOfRange(tag: 1, value: 7)) { try reader.count(1, in: 0...6) }
    }

    @Test("refuses every truncation that cuts a field")
    func refusesTruncation() throws {
        var writer = FieldWriter()
        writer.append(1, "twelve bytes")
        for count in 1..<writer.bytes.count {
            #expect(throws: FieldError.self) { try FieldReader(Array(writer.bytes[..<count])) }
        }
    }

    @Test("random bytes never crash the reader", arguments: 1..<20 as Range<UInt64>)
    func survivesRandomBytes(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        for _ in 0..<500 {
            let count = Int.random(in: 0..<40, using: &random)
            let bytes = (0..<count).map { _ in UInt8.random(in: 0...3, using: &random) }
            guard let reader = try? FieldReader(bytes) else { continue }
            for tag in 0..<4 as Range<UInt16> { _ = try? reader.text(tag) }
        }
    }
}
