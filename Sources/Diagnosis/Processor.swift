import Foundation
import Runtime

/// What the processor can do, and how much of it this process may use.
public struct Processor: Sendable {
    /// The maker's name of it.
    public let model: String
    /// The kernel's names of its features.
    public let features: Set<String>
    /// Processors that the scheduler may run this process on.
    public let allowedCount: Int
    /// Processors' worth of time that a container grants; `nil` without a limit.
    public let quota: Double?
    /// Average number of runnable threads during the last minute.
    public let load: Double

    /// Features that the package is compiled for on this architecture.
    public static var needed: [String] {
        #if arch(x86_64)
            ["avx2", "bmi1", "bmi2", "f16c", "fma", "movbe"]
        #else
            []
        #endif
    }

    /// Reads what the kernel says.
    public init() {
        let information = Kernel.text("/proc/cpuinfo") ?? ""
        let quotaText = Kernel.text("/sys/fs/cgroup/cpu.max") ?? ""
        let loadText = Kernel.text("/proc/loadavg") ?? ""
        self.init(
            cpuInformation: information, quotaText: quotaText, loadText: loadText,
            allowedCount: Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))
    }

    /// Reads given texts of the kernel, for tests.
    init(cpuInformation: String, quotaText: String, loadText: String, allowedCount: Int) {
        let fields = Kernel.fields(of: cpuInformation)
        model = fields["model name"] ?? fields["CPU part"] ?? "unknown processor"
        features = Set(
            (fields["flags"] ?? fields["Features"] ?? "").split(separator: " ").map(String.init))
        self.allowedCount = allowedCount
        let parts = quotaText.split { $0 == " " || $0 == "\n" }.compactMap { Double($0) }
        quota = parts.count == 2 && parts[1] > 0 ? parts[0] / parts[1] : nil
        load = loadText.split(separator: " ").first.flatMap { Double($0) } ?? 0
    }

    /// Whether the instructions are there that the package is compiled for.
    public var instructions: Finding {
        let absent = Self.needed.filter { !features.contains($0) }
        let wide = features.filter { $0.hasPrefix("avx512") || $0.hasPrefix("amx") }.sorted()
        let values: [String: JSONValue] = [
            "model": .string(model), "missing_features": .array(absent.map { .string($0) }),
            "wide_features": .array(wide.map { .string($0) }),
        ]
        guard absent.isEmpty else {
            return Finding(
                "processor", .problem, "\(model) lacks \(absent.joined(separator: ", "))",
                remedy: "build with PURKINJE_MARCH=x86-64-v2 on this machine; a run that mixes "
                    + "machines needs the same build on all",
                values: values)
        }
        let text =
            Self.needed.isEmpty ? model : "\(model): has \(Self.needed.joined(separator: " "))"
        return Finding("processor", .good, text, values: values)
    }

    /// Whether the processors are free for a run.
    public var time: Finding {
        let usable = min(Double(allowedCount), quota ?? .infinity)
        let values: [String: JSONValue] = [
            "processors": .integer(Int64(allowedCount)), "load_average": .number(load),
            "quota_processors": quota.map { .number($0) } ?? .null,
        ]
        let text = "\(allowedCount) processors, load \(load)"
        if let quota, quota < Double(allowedCount) {
            return Finding(
                "processor time", .warning, "\(text); a container limits it to \(quota) processors",
                remedy: "give --threads \(max(1, Int(quota))) or raise the container's limit",
                values: values)
        }
        if load > 0.5 * usable {
            return Finding(
                "processor time", .warning, "\(text): other work is running",
                remedy: "a step waits for the slowest worker; stop the other work, or give fewer "
                    + "--threads here",
                values: values)
        }
        return Finding("processor time", .good, text, values: values)
    }
}

/// Small texts that the kernel offers as files.
enum Kernel {
    static func text(_ path: FilePath) -> String? {
        (try? path.contents()).map { String(decoding: $0, as: UTF8.self) }
    }

    /// `name: value` lines; the first of each name counts.
    static func fields(of text: String) -> [String: String] {
        var fields: [String: String] = [:]
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            let name = line[..<colon].trimmingCharacters(in: .whitespaces)
            let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
            if fields[name] == nil { fields[name] = value }
        }
        return fields
    }
}
