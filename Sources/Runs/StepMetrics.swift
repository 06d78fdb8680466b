import Runtime

/// What is known of a finished step: a line of `metrics.jsonl`.
///
/// What could not be measured is NaN here and `null` there.
public struct StepMetrics: Sendable, Equatable {
    /// Where the time of a step went.
    public struct Seconds: Sendable, Equatable {
        /// Forward and backward passes.
        public var compute: Double
        /// Waiting for others.
        public var wait: Double
        /// The exchange that was not hidden behind compute.
        public var exchange: Double
        /// The update of the parameters.
        public var update: Double

        /// Times by name.
        public init(compute: Double, wait: Double, exchange: Double, update: Double) {
            self.compute = compute
            self.wait = wait
            self.exchange = exchange
            self.update = update
        }
    }

    /// Finished steps, this one included.
    public var step: Int
    /// Mean over the shards.
    public var loss: Double
    /// The rate of this step's update.
    public var learningRate: Double
    /// Samples of the batch over the wall time of the step.
    public var samplesPerSecond: Double
    /// Processes that took part.
    public var worldSize: Int
    /// Whether the step was computed again with the true exponents.
    public var recomputed: Bool
    /// Where the time went.
    public var seconds: Seconds
    /// Further keys of the method, such as `gradient_norm`.
    public var details: [String: JSONValue]

    /// Metrics by name.
    public init(
        step: Int, loss: Double, learningRate: Double, samplesPerSecond: Double, worldSize: Int,
        recomputed: Bool, seconds: Seconds, details: [String: JSONValue] = [:]
    ) {
        self.step = step
        self.loss = loss
        self.learningRate = learningRate
        self.samplesPerSecond = samplesPerSecond
        self.worldSize = worldSize
        self.recomputed = recomputed
        self.seconds = seconds
        self.details = details
    }

    /// The line of `metrics.jsonl`.
    public var json: JSONValue {
        var members = details
        members["step"] = .integer(Int64(step))
        members["loss"] = .measured(loss)
        members["learning_rate"] = .measured(learningRate)
        members["samples_per_second"] = .measured(samplesPerSecond)
        members["world_size"] = .integer(Int64(worldSize))
        members["recomputed"] = .boolean(recomputed)
        members["seconds"] = [
            "compute": .measured(seconds.compute), "wait": .measured(seconds.wait),
            "exchange": .measured(seconds.exchange), "update": .measured(seconds.update),
        ]
        return .object(members)
    }
}

/// A validation loss: a line of `metrics.jsonl` of its own.
public struct ValidationMetrics: Sendable, Equatable {
    /// Finished steps of the state that was looked at.
    public var step: Int
    /// Mean over the validation records.
    public var loss: Double
    /// Further keys of the method.
    public var details: [String: JSONValue]

    /// Metrics by name.
    public init(step: Int, loss: Double, details: [String: JSONValue] = [:]) {
        self.step = step
        self.loss = loss
        self.details = details
    }

    /// The line of `metrics.jsonl`.
    public var json: JSONValue {
        var members = details
        members["step"] = .integer(Int64(step))
        members["validation_loss"] = .measured(loss)
        return .object(members)
    }
}

extension StepMetrics {
    /// Metrics of a step whose loss, rate and details are in the report of whoever made it.
    ///
    /// - Parameters:
    ///   - step: Finished steps.
    ///   - report: An object with `loss` and `learning_rate`; keys of a validation are left out,
    ///     all others are details.
    ///   - samplesPerSecond: Samples of the batch over the wall time of the step.
    ///   - worldSize: Processes that took part.
    ///   - recomputed: Whether the step was computed again.
    ///   - seconds: Where the time went.
    public init(
        step: Int, report: JSONValue, samplesPerSecond: Double, worldSize: Int, recomputed: Bool,
        seconds: Seconds
    ) {
        let members = report.objectValue ?? [:]
        let known = ["step", "loss", "learning_rate"]
        self.init(
            step: step, loss: members["loss"]?.doubleValue ?? .nan,
            learningRate: members["learning_rate"]?.doubleValue ?? .nan,
            samplesPerSecond: samplesPerSecond, worldSize: worldSize, recomputed: recomputed,
            seconds: seconds,
            details: members.filter { key, _ in
                !known.contains(key) && !key.hasPrefix("validation_")
            })
    }
}

extension ValidationMetrics {
    /// The validation in a report, the keys that begin with `validation_`; `nil` where there was
    /// none.
    ///
    /// - Parameters:
    ///   - step: Finished steps of the state that was measured, where the report has no
    ///     `validation_step` of its own.
    ///   - report: An object.
    public init?(step: Int, report: JSONValue) {
        guard let loss = report["validation_loss"]?.doubleValue else { return nil }
        let members = report.objectValue ?? [:]
        let known = ["validation_loss", "validation_step"]
        self.init(
            step: members["validation_step"]?.integerValue ?? step, loss: loss,
            details: members.filter { key, _ in
                key.hasPrefix("validation_") && !known.contains(key)
            })
    }
}
