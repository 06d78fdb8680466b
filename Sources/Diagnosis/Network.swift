import Foundation
import Runtime

/// Whether processes can listen here, and keep enough connections open.
public enum Network {
    /// Tries to listen on loopback, IPv4 and IPv6, on a port that the kernel picks.
    ///
    /// - Parameter port: A port that a coordinator is to have; `nil` for none.
    /// - Returns: What works, or why not.
    public static func finding(port: Int?) -> Finding {
        let families = [("IPv4", AF_INET), ("IPv6", AF_INET6)]
        let failures = families.compactMap { name, family in
            listenError(family: family, port: 0).map { "\(name): \($0)" }
        }
        var limit = rlimit()
        getrlimit(__rlimit_resource_t(7), &limit)
        let files = Int(clamping: limit.rlim_cur)
        let values: [String: JSONValue] = [
            "listens": .array(
                families.filter { listenError(family: $0.1, port: 0) == nil }
                    .map { .string($0.0) }),
            "open_files_limit": .integer(Int64(files)),
            "port": port.map { .integer(Int64($0)) } ?? .null,
        ]
        if failures.count == families.count {
            return Finding(
                "network", .problem, failures.joined(separator: "; "),
                remedy: "processes cannot listen here at all: look at the sandbox's or container's "
                    + "rules; 'purkinje pretrain' needs no network",
                values: values)
        }
        if let port, let error = listenError(family: AF_INET, port: port) {
            return Finding(
                "network", .problem, "port \(port) cannot be listened on: \(error)",
                remedy: "choose another --port, or 0 to let the kernel pick one",
                values: values)
        }
        let text =
            "can listen"
            + (failures.isEmpty
                ? " on IPv4 and IPv6" : "; not on \(failures.joined(separator: ", "))")
            + ", \(files) open files allowed"
        if files < 1024 {
            return Finding(
                "network", .warning, text, remedy: "raise the limit: ulimit -n 4096", values: values
            )
        }
        return Finding("network", .good, text, values: values)
    }

    /// Why a socket cannot listen on loopback; `nil` if it can.
    static func listenError(family: Int32, port: Int) -> String? {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return String(cString: strerror(errno)) }
        defer { close(descriptor) }
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        let result: Int32
        if family == AF_INET6 {
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(family)
            address.sin6_port = UInt16(clamping: port).bigEndian
            address.sin6_addr = in6addr_loopback
            result = bindAndListen(descriptor, &address)
        } else {
            var address = sockaddr_in()
            address.sin_family = sa_family_t(family)
            address.sin_port = UInt16(clamping: port).bigEndian
            address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
            result = bindAndListen(descriptor, &address)
        }
        return result == 0 ? nil : String(cString: strerror(errno))
    }

    private static func bindAndListen<Address>(
        _ descriptor: Int32, _ address: inout Address
    ) -> Int32 {
        let size = socklen_t(MemoryLayout<Address>.size)
        let bound = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) }
        }
        return bound == 0 ? listen(descriptor, 1) : bound
    }
}
