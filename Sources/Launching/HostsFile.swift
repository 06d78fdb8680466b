import CommandLineInterface
import Runtime

/// Why a hosts file cannot be used.
public struct HostsFileError: Error, Equatable, CustomStringConvertible {
    /// The file and line.
    public let place: String
    /// What is wrong, and what was expected.
    public let problem: String

    /// Where and what.
    public var description: String { "\(place): \(problem)" }
}

/// A machine that workers run on.
public struct RemoteHost: Sendable, Equatable {
    /// What ssh is asked to connect to: a name, or `user@name`.
    public var destination: String
    /// Workers on it; `nil` shares out the launch's number.
    public var workers: Int?
    /// Threads of each of its workers; `nil` takes the launch's number.
    public var threads: Int?
    /// The prepared data set's path there; `nil` where it is the same.
    public var data: FilePath?
    /// The run directory's path there; `nil` where it is the same.
    public var run: FilePath?
    /// The folder of the programs there; `nil` where it is the same.
    public var programs: FilePath?

    /// A machine on which all paths are the same.
    public init(destination: String) { self.destination = destination }
}

/// The list of machines of a launch: one a line, `#` begins a comment.
///
///     ecg-node-1
///     trainer@ecg-node-2 workers=2 threads=8 data=/scratch/ecg.purkinje
public enum HostsFile {
    /// Reads the text of a hosts file.
    ///
    /// - Parameters:
    ///   - text: The content, bytes of any encoding.
    ///   - path: Named in errors.
    /// - Returns: The machines, in the file's order.
    /// - Throws: `HostsFileError` that names the line and, for an unknown key, the nearest known one.
    public static func parse(_ text: [UInt8], path: FilePath) throws(HostsFileError) -> [RemoteHost]
    {
        var hosts: [RemoteHost] = []
        for (index, line) in TextLines.split(text).enumerated() {
            let content = line.prefix { $0 != UInt8(ascii: "#") }
            let words = content.split { $0 == 0x20 || $0 == 0x09 }.map { FilePath(bytes: $0).text }
            guard let destination = words.first else { continue }
            let place = "\(path), line \(index + 1)"
            guard !destination.hasPrefix("-"), !destination.contains("=") else {
                throw HostsFileError(place: place, problem: "'\(destination)' is no host name")
            }
            var host = RemoteHost(destination: destination)
            for word in words.dropFirst() { try set(word, of: &host, place: place) }
            guard !hosts.contains(where: { $0.destination == destination }) else {
                throw HostsFileError(
                    place: place, problem: "\(destination) is named twice; use workers=N")
            }
            hosts.append(host)
        }
        guard !hosts.isEmpty else {
            throw HostsFileError(place: path.text, problem: "names no host")
        }
        return hosts
    }

    private static func set(
        _ word: String, of host: inout RemoteHost, place: String
    ) throws(HostsFileError) {
        let parts = word.split(separator: "=", maxSplits: 1).map(String.init)
        guard parts.count == 2 else {
            throw HostsFileError(place: place, problem: "'\(word)' is not of the form key=value")
        }
        switch parts[0] {
        case "workers":
            host.workers = try count(
                parts[1], of: "workers", in: ProcessCounts.workers, place: place)
        case "threads":
            host.threads = try count(
                parts[1], of: "threads", in: ProcessCounts.threads, place: place)
        case "data": host.data = FilePath(parts[1])
        case "run": host.run = FilePath(parts[1])
        case "programs": host.programs = FilePath(parts[1])
        default:
            let known = ["workers", "threads", "data", "run", "programs"]
            let hint = nearestName(to: parts[0], among: known).map { "; did you mean '\($0)'?" }
            throw HostsFileError(
                place: place,
                problem: "unknown key '\(parts[0])'"
                    + (hint ?? "; known are \(known.joined(separator: ", "))"))
        }
    }

    private static func count(
        _ text: String, of key: String, in range: ClosedRange<Int>, place: String
    ) throws(HostsFileError) -> Int {
        guard let value = Int(text), range.contains(value) else {
            throw HostsFileError(
                place: place,
                problem: "\(key) needs a whole number from \(range.lowerBound) to "
                    + "\(range.upperBound), not '\(text)'")
        }
        return value
    }

    /// Which machine each worker runs on: as many as a line says, the rest in turns over the others.
    ///
    /// - Parameters:
    ///   - count: Workers in all.
    ///   - hosts: The machines.
    ///   - path: The hosts file, named in errors.
    /// - Returns: For each worker its machine; neighbours in the list share a machine where they can.
    /// - Throws: `HostsFileError` when the lines ask for another number.
    public static func assign(
        _ count: Int, to hosts: [RemoteHost], path: FilePath
    ) throws(HostsFileError) -> [RemoteHost] {
        let fixed = hosts.reduce(0) { $0 + ($1.workers ?? 0) }
        let free = hosts.indices.filter { hosts[$0].workers == nil }
        guard fixed <= count, !(free.isEmpty && fixed != count) else {
            throw HostsFileError(
                place: path.text,
                problem: "asks for \(fixed) workers, the launch for \(count); make them equal")
        }
        var counts = hosts.map { $0.workers ?? 0 }
        for index in 0..<(count - fixed) { counts[free[index % free.count]] += 1 }
        return hosts.indices.flatMap { Array(repeating: hosts[$0], count: counts[$0]) }
    }
}
