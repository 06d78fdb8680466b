import Foundation
import Runtime

/// A host and a port as people write them: `node7:7000`, `10.0.0.4:7000`, `[::1]:7000`.
public struct NetworkAddress: Hashable, Sendable, CustomStringConvertible {
    /// A name, an IPv4 or an IPv6 literal without brackets.
    public let host: String
    /// 0 lets the kernel choose where one listens.
    public let port: UInt16

    /// An address from its parts.
    public init(host: String, port: UInt16) {
        self.host = host
        self.port = port
    }

    /// Whether the host is a literal that never leaves the machine.
    public var isLoopback: Bool {
        host.hasPrefix("127.") || host == "::1" || host.hasPrefix("::ffff:127.")
    }

    /// Reads an address.
    ///
    /// - Parameters:
    ///   - text: `HOST:PORT`, with brackets round an IPv6 literal; the port may be absent if there is a default.
    ///   - defaultPort: The port where the text has none.
    /// - Throws: `NetworkAddressError` that shows the text and how it should look.
    public init(parsing text: String, defaultPort: UInt16? = nil) throws(NetworkAddressError) {
        var host = Substring(text)
        var portText: Substring?
        if text.hasPrefix("[") {
            guard let end = text.firstIndex(of: "]") else {
                throw NetworkAddressError(text: text, problem: "the bracket is not closed")
            }
            host = text[text.index(after: text.startIndex)..<end]
            let rest = text[text.index(after: end)...]
            if rest.hasPrefix(":") {
                portText = rest.dropFirst()
            } else if !rest.isEmpty {
                throw NetworkAddressError(text: text, problem: "only a port may follow the bracket")
            }
        } else if text.count(where: { $0 == ":" }) == 1, let colon = text.firstIndex(of: ":") {
            host = text[..<colon]
            portText = text[text.index(after: colon)...]
        } else if text.contains(":"), defaultPort == nil {
            throw NetworkAddressError(
                text: text, problem: "an IPv6 address with a port needs brackets: [\(text)]:PORT")
        }
        guard !host.isEmpty, !host.contains(where: { $0.isWhitespace || $0 == "[" || $0 == "]" })
        else {
            throw NetworkAddressError(text: text, problem: "it names no host")
        }
        if let portText {
            guard let port = UInt16(portText), portText.allSatisfy(\.isNumber) else {
                throw NetworkAddressError(
                    text: text, problem: "the port is not a number from 0 to 65535")
            }
            self.init(host: String(host), port: port)
        } else if let defaultPort {
            self.init(host: String(host), port: defaultPort)
        } else {
            throw NetworkAddressError(text: text, problem: "it names no port")
        }
    }

    /// What is wrong with which text.
    public var description: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }

    /// Every socket address that the name stands for, in the resolver's order.
    ///
    /// - Parameter passive: Whether one is to listen there.
    /// - Returns: At least one address.
    /// - Throws: `TransportError.unresolved`.
    func resolve(passive: Bool = false) throws(TransportError) -> [SocketAddress] {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = (passive ? AI_PASSIVE : 0) | AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0 else {
            throw .unresolved(address: self, reason: String(cString: gai_strerror(code)))
        }
        defer { freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var entry = list
        while let info = entry?.pointee {
            if let address = info.ai_addr {
                let resolved = SocketAddress(address, byteCount: info.ai_addrlen)
                if !addresses.contains(resolved) { addresses.append(resolved) }
            }
            entry = info.ai_next
        }
        return addresses
    }
}

/// A text that is no address.
public struct NetworkAddressError: Error, Equatable, CustomStringConvertible {
    /// What was to be read.
    public let text: String
    /// What is wrong with it.
    public let problem: String

    /// What is wrong with which text.
    public var description: String {
        "\"\(text)\" is no address: \(problem); write HOST:PORT, e.g. node7:7000 or [::1]:7000"
    }
}

/// An address as the kernel takes it.
struct SocketAddress: Equatable, CustomStringConvertible {
    private let bytes: [UInt8]

    init(_ address: UnsafePointer<sockaddr>, byteCount: socklen_t) {
        bytes = Array(UnsafeRawBufferPointer(start: address, count: Int(byteCount)))
    }

    /// The address that a call like `getsockname` fills in; `nil` when it fails.
    init?(asking call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32) {
        var storage = sockaddr_storage()
        var count = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let bytes = withUnsafeMutablePointer(to: &storage) { storage -> [UInt8]? in
            let result = storage.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                call($0, &count)
            }
            guard result == 0 else { return nil }
            return Array(UnsafeRawBufferPointer(start: storage, count: Int(count)))
        }
        guard let bytes else { return nil }
        self.bytes = bytes
    }

    func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var storage = sockaddr_storage()
        return withUnsafeMutableBytes(of: &storage) { storage in
            storage.copyBytes(from: bytes.prefix(storage.count))
            return storage.withMemoryRebound(to: sockaddr.self) { rebound in
                guard let start = rebound.baseAddress else {
                    preconditionFailure("a socket address has bytes")
                }
                return body(start, socklen_t(bytes.count))
            }
        }
    }

    var family: Int32 { withSockaddr { address, _ in Int32(address.pointee.sa_family) } }

    /// Host and port in digits.
    var numeric: NetworkAddress {
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
        let code = withSockaddr { address, count in
            getnameinfo(
                address, count, &host, socklen_t(host.count), &port, socklen_t(port.count),
                NI_NUMERICHOST | NI_NUMERICSERV)
        }
        func text(_ characters: [CChar]) -> String {
            String(
                decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) },
                as: UTF8.self)
        }
        guard code == 0 else { return NetworkAddress(host: "?", port: 0) }
        return NetworkAddress(host: text(host), port: UInt16(text(port)) ?? 0)
    }

    var description: String { numeric.description }
}
