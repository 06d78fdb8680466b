import Foundation
import Runtime

/// What a machine needs before a worker is started on it.
public struct Preflight: Sendable {
    /// What one machine answered.
    public struct Answer: Sendable, Equatable {
        /// The machine.
        public let host: RemoteHost
        /// Version of the worker there.
        public let version: String?
        /// Processors there.
        public let processors: Int?
        /// Free space of the run directory as seen from there.
        public let freeBytes: Int?
        /// This machine's address as seen from there.
        public let addressOfThisMachine: String?
        /// What stands in the way, each with its remedy; empty when nothing does.
        public let problems: [String]
    }

    private let shell: RemoteShell
    private let version: String
    private let allowsMixedBuilds: Bool
    private let dataBytes: Int?
    private let probe: String
    private let port: UInt16

    /// Questions for all machines of a launch.
    ///
    /// - Parameters:
    ///   - shell: How to reach them.
    ///   - version: What `purkinje-worker --version` has to print, as far as builds are compared.
    ///   - allowsMixedBuilds: Whether a build of other sources of the same release will do.
    ///   - dataBytes: Size of the prepared data set; `nil` where it is not known.
    ///   - probe: Name of a file in the run directory that proves that the directory is the same one.
    ///   - port: Port on which this machine listens, to see that it can be reached.
    public init(
        shell: RemoteShell, version: String, allowsMixedBuilds: Bool = false, dataBytes: Int?,
        probe: String, port: UInt16
    ) {
        self.shell = shell
        self.version = version
        self.allowsMixedBuilds = allowsMixedBuilds
        self.dataBytes = dataBytes
        self.probe = probe
        self.port = port
    }

    /// Asks all machines at the same time.
    ///
    /// - Parameters:
    ///   - hosts: The machines, with all their paths filled in.
    ///   - timeout: For each answer.
    /// - Returns: One answer a machine, in their order.
    /// - Throws: `SystemError` when no thread can be started.
    public func ask(_ hosts: [RemoteHost], timeout: Duration = .seconds(20)) throws(SystemError)
        -> [Answer]
    {
        try ComputePool(threadCount: hosts.count, name: "preflight").map(hosts.count) { number, _ in
            ask(hosts[number], timeout: timeout)
        }
    }

    private func ask(_ host: RemoteHost, timeout: Duration) -> Answer {
        do {
            let (termination, lines) = try shell.run(script(for: host), on: host, timeout: timeout)
            guard termination?.isSuccess == true else {
                let end = termination.map(\.description) ?? "did not answer in time"
                let detail = lines.last.map { ": \($0)" } ?? ""
                return unreachable(host, "\(shell.command[0]) \(end)\(detail)")
            }
            return read(lines, of: host)
        } catch {
            return unreachable(host, "\(error)")
        }
    }

    private func unreachable(_ host: RemoteHost, _ problem: String) -> Answer {
        Answer(
            host: host, version: nil, processors: nil, freeBytes: nil, addressOfThisMachine: nil,
            problems: ["\(problem); try: \(shell.command[0]) \(host.destination) true"])
    }

    private func script(for host: RemoteHost) -> String {
        let program = shellQuoted((host.programs ?? "").appending("purkinje-worker").text)
        let data = shellQuoted((host.data ?? "").text)
        let run = shellQuoted((host.run ?? "").text)
        return """
            echo "version=$(\(program) --version 2>&1 | head -n 1)"
            echo "processors=$(nproc)"
            echo "data=$(stat -c %s \(data) 2>/dev/null)"
            [ -e \(run)/\(shellQuoted(probe)) ] && echo run=shared
            [ -w \(run) ] && echo write=yes
            echo "free=$(df -Pk \(run) 2>/dev/null | awk 'NR==2 {print $4}')"
            address=${SSH_CONNECTION%% *}
            address=${address:-127.0.0.1}
            echo "address=$address"
            if timeout 5 bash -c 'exec 3<>"/dev/tcp/$0/$1"' "$address" \(port) 2>/dev/null
            then echo reach=yes; fi
            exit 0
            """
    }

    /// Whether workers of the build that prints this would be let into the run.
    private func suffices(_ there: String) -> Bool {
        switch relation(to: there) {
        case .same, .unknown: true
        case .otherSources: allowsMixedBuilds
        case .otherRelease, nil: false
        }
    }

    /// How the build that prints this stands to this one; `nil` for what is no version of the same program.
    private func relation(to there: String) -> BuildIdentity.Relation? {
        let (own, other) = (version.split(separator: " "), there.split(separator: " "))
        guard own.count == 2, other.count == 2, own[0] == other[0] else { return nil }
        let builds = [own[1], other[1]].map { BuildIdentity(version: String($0)) }
        return builds[0].relation(to: builds[1])
    }

    func read(_ lines: [String], of host: RemoteHost) -> Answer {
        var values: [String: String] = [:]
        for line in lines {
            let parts = line.split(separator: "=", maxSplits: 1).map(String.init)
            if parts.count == 2 { values[parts[0]] = parts[1] }
        }
        var problems: [String] = []
        let address = values["address"]
        if !suffices(values["version"] ?? "") {
            problems.append(
                "purkinje-worker there says '\(values["version"] ?? "nothing")', here is '\(version)'; "
                    + "install the same build, or name its folder: programs=PATH"
                    + (relation(to: values["version"] ?? "") == .otherSources
                        ? "; --allow-mixed-builds lets other sources of a release pass" : ""))
        }
        if values["run"] != "shared" {
            problems.append(
                "\(host.run ?? "" as FilePath) is not this machine's run directory; share it, or name it: run=PATH"
            )
        } else if values["write"] != "yes" {
            problems.append(
                "\(host.run ?? "" as FilePath) is not writable there; look at owner and mount options"
            )
        }
        let bytes = values["data"].flatMap { Int($0) }
        if bytes == nil || dataBytes.map({ $0 != bytes }) == true {
            let found = bytes.map { "has \($0) bytes, here \(dataBytes ?? 0)" } ?? "is not there"
            problems.append(
                "\(host.data ?? "" as FilePath) \(found); copy the data set, or name it: data=PATH")
        }
        if values["reach"] != "yes" {
            problems.append(
                "cannot reach \(address ?? "this machine") port \(port) from there; open the "
                    + "firewall for the coordinator's port (--port)")
        }
        return Answer(
            host: host, version: values["version"],
            processors: values["processors"].flatMap { Int($0) },
            freeBytes: values["free"].flatMap { Int($0) }.map { $0 * 1024 },
            addressOfThisMachine: address, problems: problems)
    }
}

/// A port that something listens on, so that others can try to reach it.
public final class ProbeListener: Sendable {
    /// The port, picked by the kernel.
    public let port: UInt16
    private let descriptor: Int32

    /// Listens on all IPv4 addresses.
    public init() throws(SystemError) {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | O_CLOEXEC, 0)
        guard descriptor >= 0 else { throw SystemError(call: "socket", subject: "probe") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let descriptor = self.descriptor
        let works = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(descriptor, $0, size) == 0 && listen(descriptor, 64) == 0
                    && getsockname(descriptor, $0, &size) == 0
            }
        }
        guard works else {
            let code = errno
            close(descriptor)
            throw SystemError(call: "listen", subject: "probe", code: code)
        }
        port = UInt16(bigEndian: address.sin_port)
    }

    deinit { close(descriptor) }
}
