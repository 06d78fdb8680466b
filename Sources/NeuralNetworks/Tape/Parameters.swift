import Kernels
import Tensors

/// How a parameter begins.
public enum Initialiser: Sendable {
    case zeros
    case ones
    /// Normal with mean 0 and this deviation.
    case normal(deviation: Double)
    /// Even over ±sqrt(6 / (fan in + fan out)) of the whole matrix (Glorot and Bengio, 2010).
    case xavierUniform
    /// Even over a range.
    case uniform(ClosedRange<Double>)
    /// Given numbers, for tables; made only where parameters are.
    case values(@Sendable () -> [Float])
    /// Numbers that depend on those of parameters of lower indices, which the second argument gives.
    case drawn(@Sendable (inout RandomStream, (Int) -> [Float]) -> [Float])
    /// The numbers that the parameter of a lower index began with.
    case copy(of: Int)
}

/// What becomes of a parameter in a step.
public enum ParameterRole: Sendable, Equatable {
    /// The optimiser moves it along its gradient.
    case trained
    /// No gradient: a table, or state that the method itself moves after a step (a teacher, a codebook).
    case frozen
    /// No numbers of its own: something that all shards add to, summed exactly as gradients are.
    case statistic
}

/// What a parameter is, before there are numbers.
public struct ParameterSpecification: Sendable {
    /// The official name.
    public let name: String
    /// Sizes of the axes.
    public let shape: [Int]
    /// How it begins.
    public let initialiser: Initialiser
    /// What becomes of it in a step.
    public let role: ParameterRole
    /// What the learning rate is multiplied by, for layers that are to move slower.
    public let learningRateScale: Double

    /// Whether the optimiser moves it.
    public var isTrained: Bool { role == .trained }
    /// Number of elements.
    public var count: Int { shape.reduce(1, *) }
}

/// Collects the parameters of a model while its layers are put together.
public struct ParameterList: Sendable {
    /// In the order in which the forward pass uses them.
    public private(set) var specifications: [ParameterSpecification] = []

    /// An empty list.
    public init() {}

    /// Adds a parameter.
    ///
    /// - Returns: Its index, by which layers know it.
    public mutating func add(
        _ name: String, shape: [Int], _ initialiser: Initialiser, isTrained: Bool = true,
        learningRateScale: Double = 1
    ) -> Int {
        append(
            ParameterSpecification(
                name: name, shape: shape, initialiser: initialiser,
                role: isTrained ? .trained : .frozen, learningRateScale: learningRateScale))
    }

    /// Adds something that shards add to: `Tape.statistic` gives each its buffer, and after the step the method gets
    /// the mean over shards.
    ///
    /// - Returns: Its index.
    public mutating func addStatistic(_ name: String, shape: [Int]) -> Int {
        append(
            ParameterSpecification(
                name: name, shape: shape, initialiser: .zeros, role: .statistic,
                learningRateScale: 1))
    }

    /// Takes parameters from the optimiser: a pretrained part that stays as it is.
    public mutating func freeze(_ indices: Range<Int>) {
        for index in indices where specifications[index].role == .trained {
            let trained = specifications[index]
            specifications[index] = ParameterSpecification(
                name: trained.name, shape: trained.shape, initialiser: trained.initialiser,
                role: .frozen, learningRateScale: trained.learningRateScale)
        }
    }

    private mutating func append(_ specification: ParameterSpecification) -> Int {
        specifications.append(specification)
        return specifications.count - 1
    }

    /// Changes how parameters that layers have added are trained.
    ///
    /// - Parameters:
    ///   - isTrained: Whether the optimiser moves them.
    ///   - learningRateScale: What the learning rate is multiplied by.
    ///   - matches: Which parameters, by their names; statistics stay what they are.
    public mutating func setTraining(
        _ isTrained: Bool, learningRateScale: Double = 1, where matches: (String) -> Bool
    ) {
        specifications = specifications.map { old in
            guard old.role != .statistic, matches(old.name) else { return old }
            return ParameterSpecification(
                name: old.name, shape: old.shape, initialiser: old.initialiser,
                role: isTrained ? .trained : .frozen, learningRateScale: learningRateScale)
        }
    }

    /// Multiplies the learning rates of trained parameters.
    ///
    /// - Parameter scale: The factor of a parameter, by its name.
    public mutating func scaleLearningRates(_ scale: (String) -> Double) {
        specifications = specifications.map { old in
            guard old.isTrained else { return old }
            return ParameterSpecification(
                name: old.name, shape: old.shape, initialiser: old.initialiser, role: .trained,
                learningRateScale: old.learningRateScale * scale(old.name))
        }
    }

    /// Adds a frozen copy of what was added from a parameter on, such as a teacher that begins as its student.
    ///
    /// - Parameters:
    ///   - first: Index of the first parameter that is copied.
    ///   - layers: Adds the same layers again, under other names.
    /// - Returns: What `layers` returns.
    public mutating func addFrozenCopies<Layers>(
        of first: Int, _ layers: (inout ParameterList) -> Layers
    ) -> Layers {
        let start = specifications.count
        let result = layers(&self)
        for index in start..<specifications.count {
            let (copy, source) = (specifications[index], first + index - start)
            precondition(
                source < start && specifications[source].shape == copy.shape,
                "\(copy.name) \(copy.shape) is no copy of parameter \(source)")
            specifications[index] = ParameterSpecification(
                name: copy.name, shape: copy.shape, initialiser: .copy(of: source),
                role: .frozen, learningRateScale: 1)
        }
        return result
    }
}

/// The numbers of a model's parameters, in one storage.
///
/// Trained parameters come last-used first, since the backward pass finishes them in that order; statistics, which
/// have a place among what is summed but no numbers here, and what is frozen follow. Each begins at a multiple of
/// 64 bytes.
public final class Parameters: Sendable {
    /// What the parameters are, in the order of their indices.
    public let specifications: [ParameterSpecification]
    /// Where each parameter begins in the flat storage, in elements.
    public let offsets: [Int]
    /// Elements of all trained parameters and statistics, gaps included: what is summed over shards.
    public let summedCount: Int
    /// The flat storage.
    public let storage: TensorStorage

    /// Parameters with the values that a seed gives.
    public init(_ list: ParameterList, seed: UInt64) {
        specifications = list.specifications
        var offsets = Array(repeating: 0, count: specifications.count)
        var (end, summed) = (0, 0)
        let indices = specifications.indices.reversed()
        for role in [ParameterRole.trained, .statistic, .frozen] {
            for index in indices where specifications[index].role == role {
                offsets[index] = end
                end += (specifications[index].count + 15) & ~15
            }
            if role == .statistic { summed = end }
        }
        summedCount = summed
        self.offsets = offsets
        storage = TensorStorage(byteCount: end * 4)
        for index in specifications.indices { initialise(index, seed: seed) }
    }

    /// Number of parameters.
    public var count: Int { specifications.count }

    /// What a parameter is.
    public subscript(_ index: Int) -> ParameterSpecification { specifications[index] }

    /// A parameter's numbers.
    public func tensor(_ index: Int) -> Tensor {
        Tensor(
            .float32, shape: specifications[index].shape, storage: storage,
            byteOffset: offsets[index] * 4)
    }

    /// A parameter's numbers, to be read and moved.
    public func values(of index: Int) -> Numbers<Float> {
        flat.part(offsets[index]..<offsets[index] + specifications[index].count)
    }

    /// The whole storage, for the optimiser.
    public var flat: Numbers<Float> { storage.numbers(of: Float.self) }

    /// The index of the parameter with a name.
    public func index(of name: String) -> Int? {
        specifications.firstIndex { $0.name == name }
    }

    /// All parameters but statistics, which have no numbers of their own, as states and checkpoints hold them.
    ///
    /// - Parameter prefix: What their names begin with there.
    /// - Returns: The parameters' own numbers, in their order.
    public func held(under prefix: String) -> [NamedTensor] {
        specifications.indices.filter { specifications[$0].role != .statistic }.map {
            NamedTensor(prefix + specifications[$0].name, tensor($0))
        }
    }

    /// Gives what began as a copy the numbers that the copied parameters have now.
    public func renewCopies() {
        for (index, specification) in specifications.enumerated() {
            guard case .copy(let source) = specification.initialiser else { continue }
            values(of: index).update(from: values(of: source))
        }
    }

    private func initialise(_ index: Int, seed: UInt64) {
        let specification = specifications[index]
        let values = self.values(of: index)
        var random = RandomStream(
            seed: seed, purpose: .initialisation, position: UInt32(truncatingIfNeeded: index))
        switch specification.initialiser {
        case .zeros: values.update(repeating: 0)
        case .ones: values.update(repeating: 1)
        case .normal(let deviation):
            for i in values.indices { values[i] = Float(random.nextNormal() * deviation) }
        case .xavierUniform:
            let columns = specification.shape.last ?? 1
            let fans = Double(columns + specification.count / columns)
            let bound = (6 / fans).squareRoot()
            for i in values.indices { values[i] = Float((2 * random.nextDouble() - 1) * bound) }
        case .uniform(let range):
            for i in values.indices {
                let place = random.nextDouble()
                values[i] = Float(
                    range.lowerBound + place * (range.upperBound - range.lowerBound))
            }
        case .drawn(let draw):
            let numbers = draw(&random) { other in
                precondition(other < index, "\(specification.name) depends on a later parameter")
                return tensor(other).floatArray
            }
            precondition(
                numbers.count == values.count, "\(specification.name): \(numbers.count) values")
            values.update(from: numbers.span)
        case .copy(let source):
            precondition(source < index, "\(specification.name) copies a later parameter")
            values.update(from: self.values(of: source))
        case .values(let make):
            let table = make()
            precondition(
                table.count == values.count, "\(specification.name): \(table.count) values")
            values.update(from: table.span)
        }
    }
}
