import Runtime
import Tensors

/// Weights under the names that the methods' authors gave them, in files of their own.
///
/// In a state a parameter is named `parameter.` and its official name in the whole model, such as
/// `parameter.encoder.norm.weight`. A file of an encoder has no prefix; one of a whole model has
/// both `encoder.` and, for the patch embedding, a second name without it.
public enum OfficialWeights {
    /// What the names of a state's parameters begin with.
    public static let parameterPrefix = "parameter."
    static let encoderPrefix = "encoder."
    private static let secondName = "to_patch_embedding."

    /// The encoder's weights, without a prefix.
    ///
    /// - Parameter state: Has at least the parameters.
    /// - Returns: Empty where the state has no encoder.
    public static func encoder(of state: [NamedTensor]) -> [NamedTensor] {
        renamed(state, prefix: parameterPrefix + encoderPrefix)
    }

    /// The whole model's weights, the patch embedding under both its names.
    ///
    /// - Parameter state: Has at least the parameters.
    /// - Returns: Empty where the state has no parameters.
    public static func wholeModel(of state: [NamedTensor]) -> [NamedTensor] {
        let whole = renamed(state, prefix: parameterPrefix)
        return whole
            + renamed(whole, prefix: encoderPrefix).filter { $0.name.hasPrefix(secondName) }
    }

    /// Copies an encoder's weights from whatever has one into a state of perhaps another method.
    ///
    /// - Parameters:
    ///   - weights: Of an encoder, without a prefix, or of a whole model, of which the rest is passed over; so is a
    ///     classifier's `head`.
    ///   - source: Where they are from, for messages.
    ///   - state: The parameters of its encoder are written when all of them are found to fit.
    /// - Throws: `SafetensorsError`, naming the first weight that is absent, unknown, or of another shape.
    public static func copyEncoder(
        from weights: [NamedTensor], source: String, into state: [NamedTensor]
    ) throws(SafetensorsError) {
        let given = encoder(inModel: weights)
        let targets = encoder(of: state)
        do throws(TensorMismatch) {
            try TensorMismatch.check(
                given.map { TensorMismatch.Description($0) }, against: targets,
                passingOver: isHead)
        } catch {
            throw error.inFile(source)
        }
        let weights = Dictionary(uniqueKeysWithValues: given.map { ($0.name, $0.tensor) })
        for target in targets {
            guard let weight = weights[target.name] else { continue }
            target.tensor.bytes.copyMemory(from: UnsafeRawBufferPointer(weight.bytes))
        }
    }

    /// Whether a name of an encoder's weight is that of the classifier which some put on it.
    private static func isHead(_ name: String) -> Bool { name.hasPrefix("head.") }

    /// The encoder's weights among those of a file or a model, without a prefix.
    public static func encoder(inModel weights: [NamedTensor]) -> [NamedTensor] {
        let named = wholeModelNames(weights)
        guard !isEncoderOfTwoParts(named.map(\.name)) else { return named }
        let inside = renamed(named, prefix: encoderPrefix)
        return inside.isEmpty ? named : inside
    }

    private static func renamed(_ tensors: [NamedTensor], prefix: String) -> [NamedTensor] {
        tensors.filter { $0.name.hasPrefix(prefix) }.map {
            NamedTensor(String($0.name.dropFirst(prefix.count)), $0.tensor)
        }
    }

    /// Reads weights into a state's parameters.
    ///
    /// A file of a whole model has every parameter; one of an encoder has every parameter of the
    /// encoder, and leaves the others as they are. A classifier's `head` is passed over.
    ///
    /// - Parameters:
    ///   - file: Of an encoder or a whole model.
    ///   - state: Its parameters are written when all of them are found to fit.
    /// - Returns: Whether the file has the whole model.
    /// - Throws: `SafetensorsError`, naming the first weight that is absent, unknown, of another shape, or not
    ///   finite.
    @discardableResult
    public static func read(
        _ file: SafetensorsFile, into state: [NamedTensor]
    ) throws(SafetensorsError) -> Bool {
        let layout = stateSpaceLayout(of: file, for: state) ?? layout(of: file, for: state)
        let given = file.header.entries.sorted { precedes($0.name, $1.name) }.map {
            TensorMismatch.Description(
                name: $0.name, elementType: $0.elementType, shape: $0.shape)
        }
        do throws(TensorMismatch) {
            try TensorMismatch.check(
                given, against: layout.targets, passingOver: layout.isSpare)
        } catch {
            throw error.inFile(file.path.text)
        }
        try file.requireFinite()
        for target in layout.targets { try file.read(target.name, into: target.tensor) }
        return layout.isWhole
    }

    /// How a file names a state's weights.
    struct Layout {
        /// The state's tensors under the file's names.
        let targets: [NamedTensor]
        /// Whether the file has the whole model.
        let isWhole: Bool
        /// Names that a file may have beside them.
        let isSpare: (String) -> Bool
    }

    private static func layout(of file: SafetensorsFile, for state: [NamedTensor]) -> Layout {
        guard file.names.contains(where: { $0.hasPrefix(encoderPrefix) }) else {
            return Layout(targets: encoder(of: state), isWhole: false, isSpare: isHead)
        }
        return Layout(targets: renamed(state, prefix: parameterPrefix), isWhole: true) { name in
            isHead(name) || name.hasPrefix(secondName)
                || name.hasPrefix(encoderPrefix)
                    && isHead(String(name.dropFirst(encoderPrefix.count)))
        }
    }
}
