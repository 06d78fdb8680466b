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
    private static let encoderPrefix = "encoder."
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
    ///   - weights: Of an encoder, without a prefix, or of a whole model, of which the rest is passed over.
    ///   - source: Where they are from, for messages.
    ///   - state: The parameters of its encoder are written when all of them are found to fit.
    /// - Throws: `SafetensorsError`, naming the first weight that is absent or of another shape.
    public static func copyEncoder(
        from weights: [NamedTensor], source: String, into state: [NamedTensor]
    ) throws(SafetensorsError) {
        let given = encoder(inModel: weights)
        let targets = encoder(of: state)
        var found: [NamedTensor] = []
        for target in targets {
            guard let weight = given.first(where: { $0.name == target.name }) else {
                throw .absent(file: source, tensor: target.name)
            }
            guard weight.tensor.elementType == target.tensor.elementType,
                weight.tensor.shape == target.tensor.shape
            else {
                throw .differs(
                    file: source, tensor: target.name,
                    found: "\(weight.tensor.elementType.rawValue) \(weight.tensor.shape)",
                    expected: "\(target.tensor.elementType.rawValue) \(target.tensor.shape)")
            }
            found.append(weight)
        }
        for (target, weight) in zip(targets, found) {
            target.tensor.bytes.copyMemory(from: UnsafeRawBufferPointer(weight.tensor.bytes))
        }
    }

    /// The encoder's weights among those of a file or a model, without a prefix.
    public static func encoder(inModel weights: [NamedTensor]) -> [NamedTensor] {
        let inside = renamed(weights, prefix: encoderPrefix)
        return inside.isEmpty ? weights : inside
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
        let isWhole = file.names.contains { $0.hasPrefix(encoderPrefix) }
        let targets =
            isWhole
            ? renamed(state, prefix: parameterPrefix) : encoder(of: state)
        let known = Set(targets.map(\.name))
        for name in file.names where !known.contains(name) {
            let isHead = name == "head.weight" || name == "head.bias"
            let isEncoderHead = isWhole && name.hasPrefix("\(encoderPrefix)head.")
            guard isHead || isEncoderHead || (isWhole && name.hasPrefix(secondName)) else {
                throw .malformed(
                    file: file.path.text, field: name,
                    problem: "this model has no weight of that name"
                        + (nearestName(to: name, among: known.sorted())
                            .map { "; the nearest is '\($0)'" } ?? ""))
            }
        }
        for target in targets {
            guard let entry = file.entry(target.name) else {
                throw .absent(file: file.path.text, tensor: target.name)
            }
            guard entry.elementType == target.tensor.elementType,
                entry.shape == target.tensor.shape
            else {
                throw .differs(
                    file: file.path.text, tensor: target.name, found: entry.summary,
                    expected: "\(target.tensor.elementType.rawValue) \(target.tensor.shape)")
            }
        }
        try file.requireFinite()
        for target in targets { try file.read(target.name, into: target.tensor) }
        return isWhole
    }
}
