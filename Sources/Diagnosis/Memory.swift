import Foundation
import Runtime

/// How much memory there is for a run.
public struct Memory: Sendable {
    /// All of the machine's.
    public let totalBytes: Int
    /// What can be had without swapping.
    public let availableBytes: Int
    /// What a container grants; `nil` without a limit.
    public let limitBytes: Int?
    /// What a process can have at the most, were it alone: memory and swap space, or what the container grants of it.
    public let mostBytes: Int

    /// Reads what the kernel says.
    public init() {
        self.init(
            information: Kernel.text("/proc/meminfo") ?? "",
            limitText: Kernel.text("/sys/fs/cgroup/memory.max") ?? "",
            usedText: Kernel.text("/sys/fs/cgroup/memory.current") ?? "")
    }

    /// Reads given texts of the kernel, for tests.
    init(information: String, limitText: String, usedText: String) {
        let fields = Kernel.fields(of: information)
        func bytes(_ name: String) -> Int {
            let digits = (fields[name] ?? "").prefix { $0.isNumber }
            return (Int(digits) ?? 0) * 1024
        }
        totalBytes = bytes("MemTotal")
        limitBytes = Int(limitText.trimmingCharacters(in: .whitespacesAndNewlines))
        let whole = totalBytes + bytes("SwapTotal")
        mostBytes = min(whole, limitBytes.map { $0 + bytes("SwapTotal") } ?? .max)
        let used = Int(usedText.trimmingCharacters(in: .whitespacesAndNewlines)) ?? 0
        availableBytes = min(bytes("MemAvailable"), limitBytes.map { max(0, $0 - used) } ?? .max)
    }

    /// Why something cannot even be tried here: it needs more than there is; `nil` where it may work.
    ///
    /// - Parameters:
    ///   - neededBytes: What it is estimated to take here.
    ///   - what: What it is, for the text.
    /// - Returns: Need, supply and remedy.
    public func refusal(neededBytes: Int, for what: String) -> String? {
        // Where the kernel says nothing, nothing is known.
        guard mostBytes > 0, neededBytes > mostBytes else { return nil }
        let isBeyondEstimate = neededBytes >= MemoryEstimate.most
        let need = isBeyondEstimate ? "more than 256 TiB" : "about \(gibibytes(neededBytes))"
        return "\(what) takes \(need) of memory, and this machine has "
            + "\(gibibytes(mostBytes)); \(Self.remedy)"
    }

    private static let remedy =
        "choose fewer workers or --threads here, a higher logicalShards (smaller shards need less memory), or a smaller model"

    /// Whether it is enough.
    ///
    /// - Parameters:
    ///   - neededBytes: What the run is estimated to take here.
    ///   - what: The run, for the text.
    /// - Returns: Need and supply.
    public func finding(neededBytes: Int, for what: String) -> Finding {
        let values: [String: JSONValue] = [
            "total_bytes": .integer(Int64(totalBytes)),
            "available_bytes": .integer(Int64(availableBytes)),
            "limit_bytes": limitBytes.map { .integer(Int64($0)) } ?? .null,
            "needed_bytes": .integer(Int64(neededBytes)),
        ]
        let text =
            "\(gibibytes(availableBytes)) of \(gibibytes(totalBytes)) free; "
            + "\(what) takes about \(gibibytes(neededBytes))"
        if neededBytes > availableBytes {
            return Finding(
                "memory", .problem, text,
                remedy: "start fewer workers or --threads here, or raise logicalShards: smaller "
                    + "shards need less memory",
                values: values)
        }
        if neededBytes > availableBytes / 10 * 8 {
            return Finding(
                "memory", .warning, text,
                remedy: "little is left for the page cache; stop other programs",
                values: values)
        }
        return Finding("memory", .good, text, values: values)
    }
}

func gibibytes(_ bytes: Int) -> String {
    String(format: "%.1f GiB", Double(bytes) / Double(1 << 30))
}
