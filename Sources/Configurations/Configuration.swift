import Runtime

/// Everything that a run is told, and nothing that it finds out itself: one JSON file plus
/// overrides.
///
/// Immutable; another configuration is read with other overrides.
public struct Configuration: Sendable {
    /// What is learnt.
    public let method: MethodDescriptor
    /// Of all random numbers.
    public let seed: UInt64
    /// Samples in the global batch.
    public let batchSize: Int
    /// Fixed equal parts of the global batch; whoever computes which never shows in the result.
    public let logicalShards: Int
    /// Length of the schedule.
    public let steps: Int
    /// What a sample is.
    public let input: InputConfiguration
    /// What the method has of its own: the model's sizes and how it learns.
    public let details: any MethodConfiguration
    /// How the parameters move.
    public let optimizer: OptimizerConfiguration
    /// How gradients are rounded and sent.
    public let exchange: ExchangeConfiguration
    /// When the state is saved.
    public let checkpoint: CheckpointConfiguration
    /// When the validation loss is computed.
    public let validation: ValidationConfiguration
    /// Which records are for what.
    public let data: FoldConfiguration
    /// What happens to a step whose gradient is not finite.
    public let onNonFinite: NonFinitePolicy
    /// Which matrix kernels compute the bits.
    public let matrixKernel: MatrixKernel
    /// SHA-256 of the file of weights that the run starts from; `nil` where they are drawn.
    public let initialWeights: Digest?

    /// Every value with its source, sorted by key.
    public let entries: [ConfigurationEntry]
    /// The words that there are for each key that is a choice.
    let choices: [String: [String]]
    /// What the file or an override says that has no effect any more, and why, a sentence each.
    public let notices: [String]

    /// Samples of one logical shard.
    public var shardSize: Int { batchSize / logicalShards }

    /// Reads a file, and overrides of the form `key=value`, the last of which wins.
    public init(path: FilePath, overrides: [String] = []) throws(ConfigurationError) {
        let content: [UInt8]
        do throws(SystemError) {
            content = try path.contents()
        } catch {
            throw .unreadable(error)
        }
        let object: JSONValue
        do throws(JSONSyntaxError) {
            object = try JSONValue(parsing: content)
        } catch {
            throw .syntax(file: path.text, error)
        }
        try self.init(object, name: path.text, overrides: overrides)
    }

    /// Reads an object, and overrides of the form `key=value`, the last of which wins.
    ///
    /// - Parameters:
    ///   - object: The file's content. What a run directory noted beside the configuration, under
    ///     `run`, is passed over.
    ///   - name: Where the object is from, for messages.
    ///   - overrides: A value that is not JSON is a string; `null` takes back what the object says of a key.
    ///   - methods: Those that there are.
    /// - Throws: `ConfigurationError` for the first key that is wrong.
    public init(
        _ object: JSONValue, name: String = "the configuration", overrides: [String] = [],
        methods: [MethodDescriptor] = MethodDescriptor.all
    ) throws(ConfigurationError) {
        var content = object
        if case .object(var members) = object {
            members["run"] = nil
            content = .object(members)
        }
        var reader = try ConfigurationReader(object: content, name: name, overrides: overrides)
        method =
            methods[
                try reader.choice("method", among: methods.map(\.name), default: nil)]
        seed = UInt64(try reader.integer("seed", default: 0, in: 0 ... .max))
        batchSize = try reader.integer("batchSize", default: 64, in: 1...1_048_576)
        logicalShards = try reader.integer("logicalShards", default: 8, in: 1...65_536)
        steps = try reader.integer("steps", default: 20_000, in: 1...1_000_000_000)
        // What a sample is depends on whose encoder is fine-tuned; other methods have no base.
        var base: MethodDescriptor?
        if method.trainsEncoderOfBase {
            let bases = methods.filter { $0.encoder != nil }
            base = bases[try reader.choice("base", among: bases.map(\.name), default: nil)]
        }
        input = try reader.input(base?.encoder?.input ?? (base ?? method).input)
        optimizer = try reader.optimizer(method.optimizer, steps: steps)
        exchange = try reader.exchange()
        checkpoint = CheckpointConfiguration(
            everySteps: try reader.integer(
                "checkpoint.everySteps", default: 500, in: 0 ... .max, decidesBits: false),
            keep: try reader.integer(
                "checkpoint.keep", default: 3, in: 1 ... .max, decidesBits: false))
        validation = ValidationConfiguration(
            everySteps: try reader.integer(
                "validation.everySteps", default: 200, in: 0 ... .max, decidesBits: false),
            seed: try reader.optionalInteger(
                "validation.seed", in: 0 ... .max, decidesBits: false))
        data = FoldConfiguration(
            validationFold: try reader.integer("data.validationFold", default: 9, in: 0...1_000),
            testFold: try reader.integer("data.testFold", default: 10, in: 0...1_000))
        onNonFinite = try reader.choice("onNonFinite", default: NonFinitePolicy.stop)
        matrixKernel = try reader.choice(
            "numerics.kernel", default: MatrixKernel.native, isInDigestByDefault: false)
        reader.passOver(
            "log.everySteps", because: "lines about the progress follow the clock; leave it out")
        initialWeights = try reader.optionalDigest("initialWeights")
        details = try method.configuration.init(
            from: &reader,
            shared: SharedSettings(
                input: input, batchSize: batchSize, logicalShards: logicalShards, steps: steps,
                gradientBits: exchange.gradientBits, base: base))
        try Self.finish(reader, of: method, among: methods)
        entries = reader.entries.sorted { $0.key < $1.key }
        choices = reader.choices
        notices = reader.notices
        try checkTogether()
    }

    /// Ends the reading; a key that nobody asked for may be another method's, or of other settings of this one.
    private static func finish(
        _ reader: ConfigurationReader, of method: MethodDescriptor,
        among methods: [MethodDescriptor]
    ) throws(ConfigurationError) {
        do throws(ConfigurationError) {
            try reader.finish()
        } catch {
            guard case .unknownKey(let key, _, let source) = error else { throw error }
            let owners = methods.filter { keys(of: $0, among: methods).contains(key) }
            guard !owners.isEmpty else { throw error }
            throw .keyOfOtherSettings(
                key: key, method: method.name, owners: owners.map(\.name), source: source)
        }
    }

    /// All keys that a method has where nobody says anything, or one word of one choice; none where it does not go without
    /// being told something.
    private static func keys(
        of method: MethodDescriptor, among methods: [MethodDescriptor]
    ) -> Set<String> {
        var content: [String: JSONValue] = ["method": .string(method.name)]
        if method.trainsEncoderOfBase {
            content["base"] = methods.first { $0.encoder != nil }.map { .string($0.name) }
        }
        guard let plain = try? Configuration(.object(content), methods: methods) else { return [] }
        // Another method is another one's keys.
        let own = plain.choices.filter { $0.key != "method" && $0.key != "base" }
        let others = own.flatMap { key, words in
            words.compactMap { word in
                try? Configuration(
                    .object(content), overrides: ["\(key)=\(word)"], methods: methods)
            }
        }
        return Set(([plain] + others).flatMap(\.entries).map(\.key))
    }

    /// The values that have to fit to each other.
    private func checkTogether() throws(ConfigurationError) {
        guard batchSize.isMultiple(of: logicalShards) else {
            throw .contradiction(
                keys: ["batchSize", "logicalShards"],
                problem: "\(batchSize) samples cannot be cut into \(logicalShards) equal shards",
                remedy: "choose logicalShards among the divisors of batchSize")
        }
        let bits = exchange.gradientBits - 1 - ceilingLogarithm(logicalShards)
        guard bits >= 4 else {
            throw .contradiction(
                keys: ["exchange.gradientBits", "logicalShards"],
                problem: "\(logicalShards) shards leave \(bits) bits and a sign to a gradient",
                remedy: "4 are needed: choose wider gradients or at most "
                    + "\(1 << max(exchange.gradientBits - 5, 0)) shards")
        }
        guard optimizer.minimumLearningRate <= optimizer.learningRate else {
            throw .contradiction(
                keys: ["optimizer.minimumLearningRate", "optimizer.learningRate"],
                problem: "the cosine would rise to \(optimizer.minimumLearningRate)",
                remedy: "choose a minimum of at most \(optimizer.learningRate)")
        }
        guard optimizer.initialLearningRate == 0 || optimizer.schedule == .cosineFromStart else {
            throw .contradiction(
                keys: ["optimizer.initialLearningRate", "optimizer.schedule"],
                problem: "a warm-up of the schedule \(optimizer.schedule.rawValue) begins at 0",
                remedy: "leave initialLearningRate out, or choose the schedule "
                    + OptimizerConfiguration.Schedule.cosineFromStart.rawValue)
        }
    }

    private func ceilingLogarithm(_ count: Int) -> Int {
        Int.bitWidth - (count - 1).leadingZeroBitCount
    }
}

extension ConfigurationReader {
    fileprivate mutating func input(
        _ defaults: InputDefaults
    ) throws(ConfigurationError) -> InputConfiguration {
        InputConfiguration(
            leads: try integer("input.leads", default: 12, in: 12...12),
            sampleRateHz: try number(
                "input.sampleRateHz", default: 250, in: 0...100_000, above: true),
            cropSamples: try integer(
                "input.cropSamples", default: defaults.cropSamples, in: 1...1_000_000),
            patchSamples: try integer(
                "input.patchSamples", default: defaults.patchSamples, in: 2...1_000_000),
            filterBeforeCrop: try boolean("input.filterBeforeCrop", default: false),
            crops: try choice(
                "input.crops", default: InputConfiguration.Crops.window,
                isInDigestByDefault: false))
    }

    fileprivate mutating func optimizer(
        _ defaults: OptimizerDefaults, steps: Int
    ) throws(ConfigurationError) -> OptimizerConfiguration {
        OptimizerConfiguration(
            learningRate: try number(
                "optimizer.learningRate", default: defaults.learningRate, in: 0...100, above: true),
            weightDecay: try number(
                "optimizer.weightDecay", default: defaults.weightDecay, in: 0...100),
            beta1: try number("optimizer.beta1", default: 0.9, in: 0...0.999_999),
            beta2: try number("optimizer.beta2", default: defaults.beta2, in: 0...0.999_999),
            epsilon: try number("optimizer.epsilon", default: 1e-8, in: 0...1, above: true),
            warmupSteps: try integer(
                "optimizer.warmupSteps", default: steps / defaults.warmupDivisor, in: 0...steps,
                upTo: "steps"),
            minimumLearningRate: try number(
                "optimizer.minimumLearningRate", default: defaults.minimumLearningRate, in: 0...100),
            schedule: try choice("optimizer.schedule", default: defaults.schedule),
            initialLearningRate: try number(
                "optimizer.initialLearningRate", default: defaults.initialLearningRate, in: 0...100),
            noDecay1d: try boolean("optimizer.noDecay1d", default: defaults.noDecay1d),
            clipNorm: try optionalNumber(
                "optimizer.clipNorm", in: 0...1e9, above: true))
    }

    fileprivate mutating func exchange() throws(ConfigurationError) -> ExchangeConfiguration {
        let compression = try choice(
            "exchange.compression", default: Compression.auto, decidesBits: false)
        let gradientBits = try integer("exchange.gradientBits", default: 32, in: 8...32)
        guard [8, 16, 32].contains(gradientBits) else {
            throw .contradiction(
                keys: ["exchange.gradientBits"],
                problem: "there are no lanes of \(gradientBits) bits",
                remedy: "choose 32, 16 or 8")
        }
        return ExchangeConfiguration(
            compression: compression, gradientBits: gradientBits,
            marginBits: try integer("exchange.marginBits", default: 3, in: -8...12))
    }
}
