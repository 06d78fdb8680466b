import Collectives
import CommandLineInterface
import Foundation
import Launching
import Runtime
import Transport

/// The measurement of sums over all workers, led from this process.
public struct AllReduceMeasurement {
    private let settings: AllReduceSettings
    private let workers: Int

    /// A measurement of which nothing has begun.
    ///
    /// - Parameters:
    ///   - settings: What is measured.
    ///   - workers: Processes that take part, this one among them.
    public init(_ settings: AllReduceSettings, workers: Int) {
        (self.settings, self.workers) = (settings, workers)
    }

    /// Takes part in a measurement that another process leads.
    ///
    /// - Parameter leader: Where that one listens, as `host:port`.
    /// - Throws: `NetworkAddressError`, `TransportError`, `AllReduceError`.
    public static func follow(_ leader: String) throws {
        try AllReduceRank.follow(NetworkAddress(parsing: leader)).run { _ in }
    }

    /// Measures with workers that are started here, on loopback.
    ///
    /// - Parameter report: Gets each result as soon as it is there.
    /// - Throws: `SystemError`, `TransportError`, `AllReduceError`.
    public func lead(report: (AllReduceResult) -> Void) throws {
        let listener = try Self.listener("127.0.0.1:0")
        var children: [ChildProcess] = []
        defer { for child in children { _ = child.wait() } }
        for _ in 1..<workers { children.append(try Self.startFollower(listener.address)) }
        let cores = ProcessInfo.processInfo.activeProcessorCount
        if workers > cores { Log().warning("\(workers) workers share \(cores) cores") }
        do {
            try AllReduceRank.lead(settings, workers: workers, on: listener).run(report: report)
        } catch {
            for child in children { child.send(signal: SIGTERM) }
            throw error
        }
    }

    /// Measures with workers that are started elsewhere.
    ///
    /// - Parameters:
    ///   - address: Where they find this process, as `host:port`.
    ///   - report: Gets each result as soon as it is there.
    /// - Throws: `NetworkAddressError`, `TransportError`, `AllReduceError`.
    public func lead(on address: String, report: (AllReduceResult) -> Void) throws {
        let listener = try Self.listener(address)
        Log().info("waiting for \(workers - 1) workers with --join \(listener.address)")
        try AllReduceRank.lead(settings, workers: workers, on: listener).run(report: report)
    }

    private static func listener(_ address: String) throws -> TCPListener {
        try TCPListener(on: NetworkAddress(parsing: address), failureTimeout: .seconds(10))
    }

    private static func startFollower(
        _ leader: NetworkAddress
    ) throws(SystemError) -> ChildProcess {
        try ChildProcess(
            executable: FilePath("/proc/self/exe").linkTarget(),
            arguments: ["bench", "allreduce", "--join", "\(leader)"], name: "follower",
            receive: { Log(prefix: "follower").info($0) })
    }
}

extension AllReduceResult: CommandResult {
    private var bandwidth: Double { Double(bytes) / medianSeconds / 1e9 }

    /// Sizes, time and bandwidth.
    public var json: JSONValue {
        [
            "bytes": .integer(Int64(bytes)),
            "workers": .integer(Int64(workers)),
            "median_seconds": .measured(medianSeconds),
            "algorithm_gigabytes_per_second": .measured(bandwidth),
            "wire_bytes": .integer(Int64(wireBytes)),
            "compression": .string(compressionReason),
        ]
    }

    /// The same in a line.
    public var text: String {
        "\(sizeText(bytes)): \(decimals(medianSeconds * 1000, 3)) ms, "
            + "\(decimals(bandwidth, 3)) GB/s, \(wireBytes) bytes sent a rank; "
            + "compression \(compressionReason)"
    }
}
