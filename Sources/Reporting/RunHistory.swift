import Foundation
import Runs
import Runtime

/// Everything that a run's `metrics.jsonl` and `events.jsonl` say, as columns.
public struct RunHistory: Sendable {
    /// A number over steps.
    public struct Column: Sendable {
        /// Steps at which it was measured, ascending.
        public fileprivate(set) var steps: [Double] = []
        /// Its values there.
        public fileprivate(set) var values: [Double] = []

        fileprivate mutating func append(_ value: Double, at step: Int) {
            steps.append(Double(step))
            values.append(value)
        }
    }

    /// Numbers of training steps by their names; members of objects as `seconds/compute`.
    public private(set) var training: [String: Column] = [:]
    /// Numbers of validations by their names, without `validation_`.
    public private(set) var validation: [String: Column] = [:]
    /// Steps that were computed again with the true exponents.
    public private(set) var recomputedSteps = 0
    /// Finished steps.
    public private(set) var lastStep = 0
    /// Lines that could not be used, such as one that was torn by a kill.
    public private(set) var damagedLines: [DamagedLine] = []
    /// What happened, in order.
    public private(set) var events: [JSONValue] = []

    /// Reads the files of a run; absent ones count as empty.
    ///
    /// - Throws: `RunError.system` where a file is there and cannot be read.
    public init(_ directory: RunDirectory) throws(RunError) {
        damagedLines = try directory.readMetrics { add($0) }
        damagedLines += try directory.readEvents { events.append($0) }
    }

    private mutating func add(_ line: JSONValue) {
        guard let step = line["step"]?.integerValue else { return }
        if line["validation_loss"] != nil {
            add(line, at: step, to: \.validation, dropping: "validation_")
            return
        }
        lastStep = max(lastStep, step)
        recomputedSteps += line["recomputed"] == true ? 1 : 0
        add(line, at: step, to: \.training, dropping: "")
    }

    private mutating func add(
        _ line: JSONValue, at step: Int, to columns: WritableKeyPath<Self, [String: Column]>,
        dropping prefix: String
    ) {
        for (key, value) in line.objectValue ?? [:] where key != "step" {
            let name = key.hasPrefix(prefix) ? String(key.dropFirst(prefix.count)) : key
            if let members = value.objectValue {
                for (member, value) in members {
                    guard let number = value.doubleValue else { continue }
                    self[keyPath: columns]["\(name)/\(member)", default: Column()]
                        .append(number, at: step)
                }
            } else if let number = value.doubleValue {
                self[keyPath: columns][name, default: Column()].append(number, at: step)
            }
        }
    }
}

extension RunHistory.Column {
    /// The last value.
    public var last: Double? { values.last }

    /// The middle value; `nil` where there is none.
    public var median: Double? {
        let sorted = values.sorted()
        guard !sorted.isEmpty else { return nil }
        return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
    }

    /// What was measured at a step or later.
    public func from(step: Double) -> RunHistory.Column {
        let start = steps.firstIndex { $0 >= step } ?? steps.count
        var result = RunHistory.Column()
        result.steps = Array(steps[start...])
        result.values = Array(values[start...])
        return result
    }

    /// Means over equal runs of steps, so that no more than `count` points are left.
    public func thinned(to count: Int) -> RunHistory.Column {
        guard values.count > count else { return self }
        var result = RunHistory.Column()
        for index in 0..<count {
            let range = index * values.count / count..<(index + 1) * values.count / count
            let size = Double(range.count)
            result.steps.append(steps[range].reduce(0, +) / size)
            result.values.append(values[range].reduce(0, +) / size)
        }
        return result
    }
}
