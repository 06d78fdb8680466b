import Runtime
import Tensors

/// Official files of networks of state spaces.
///
/// In a file of ECG-CPC all names begin with `ts_encoder.`; what follows is the name in the whole model but for the `encoder.`
/// that a state puts before both parts of the encoder. In one of the supervised S4 `encoder.`, `s4_layers.` and `norms.` are the
/// encoder's, to which a state puts `encoder.`, too, and `decoder.` is a state's `head.`. What either has beside weights (roots of
/// unity and their images, counts of batches) follows from the sizes, or is not needed.
extension OfficialWeights {
    static let stateSpacePrefix = "ts_encoder."
    /// The two parts of the encoder of ECG-CPC; everything else is a head.
    private static let parts = ["encoder.", "predictor."]
    /// The parts of the supervised S4 but for its head.
    private static let supervisedParts = ["encoder.", supervisedLayers, "norms."]
    private static let supervisedLayers = "s4_layers."
    private static let supervisedHead = "decoder."
    private static let headPrefix = "head."
    private static let derived = [".omega", ".z", ".num_batches_tracked"]

    /// Whether some names are those of ECG-CPC's encoder, official or as a state has them.
    private static func isStateSpaces(_ names: some Sequence<String>) -> Bool {
        names.contains { $0.hasPrefix(stateSpacePrefix) || $0.contains("predictor.s4_layers.") }
    }

    /// Whether names are those of an encoder of state spaces alone, whose first part is called as a model calls its encoder.
    static func isEncoderOfTwoParts(_ names: some Sequence<String>) -> Bool {
        names.contains { $0.hasPrefix("predictor.predictor.") }
    }

    /// Whether a file, or an encoder, has the names of the supervised S4.
    private static func isSupervised(_ names: some Sequence<String>) -> Bool {
        names.contains { $0.hasPrefix(supervisedLayers) }
    }

    /// A whole model's name of a weight in an official file of ECG-CPC; `nil` for what is no weight.
    private static func wholeModelName(ofOfficial name: String) -> String? {
        guard !derived.contains(where: name.hasSuffix) else { return nil }
        let own = name.dropFirst(stateSpacePrefix.count)
        return parts.contains(where: own.hasPrefix) ? encoderPrefix + own : String(own)
    }

    /// The same of the supervised S4.
    private static func wholeModelName(ofSupervised name: String) -> String? {
        guard !derived.contains(where: name.hasSuffix) else { return nil }
        if supervisedParts.contains(where: name.hasPrefix) { return encoderPrefix + name }
        return name.hasPrefix(supervisedHead)
            ? headPrefix + name.dropFirst(supervisedHead.count) : name
    }

    /// Weights of a file under the names that a whole model has for them, where the file is an official one of a network of
    /// state spaces; as they are otherwise.
    static func wholeModelNames(_ weights: [NamedTensor]) -> [NamedTensor] {
        let names = weights.map(\.name)
        let name: (String) -> String?
        if names.contains(where: { $0.hasPrefix(stateSpacePrefix) }) {
            name = wholeModelName(ofOfficial:)
        } else if isSupervised(names) {
            name = wholeModelName(ofSupervised:)
        } else {
            return weights
        }
        return weights.compactMap { weight in
            name(weight.name).map { NamedTensor($0, weight.tensor) }
        }
    }

    /// The names under which a file has a state's weights.
    ///
    /// - Parameters:
    ///   - state: Has at least the parameters.
    ///   - wholeModel: Whether all of the model are written, or the encoder alone.
    /// - Returns: Weights by their official names; empty where the state has none.
    public static func file(of state: [NamedTensor], wholeModel: Bool) -> [NamedTensor] {
        let whole = self.wholeModel(of: state)
        let encoder = self.encoder(of: state)
        if isSupervised(encoder.map(\.name)) {
            guard wholeModel else { return encoder }
            return whole.map { weight in
                let name = weight.name
                if name.hasPrefix(encoderPrefix) {
                    return NamedTensor(String(name.dropFirst(encoderPrefix.count)), weight.tensor)
                }
                return NamedTensor(
                    name.hasPrefix(headPrefix)
                        ? supervisedHead + name.dropFirst(headPrefix.count) : name, weight.tensor)
            }
        }
        guard isStateSpaces(whole.map(\.name)) else { return wholeModel ? whole : encoder }
        return whole.compactMap { weight in
            guard weight.name.hasPrefix(encoderPrefix) else {
                return wholeModel
                    ? NamedTensor(stateSpacePrefix + weight.name, weight.tensor) : nil
            }
            let own = weight.name.dropFirst(encoderPrefix.count)
            return NamedTensor(stateSpacePrefix + own, weight.tensor)
        }
    }

    /// Where a file has a state's weights; `nil` where the file is no official one of a network of state spaces.
    static func stateSpaceLayout(of file: SafetensorsFile, for state: [NamedTensor]) -> Layout? {
        if isSupervised(file.names) { return supervisedLayout(of: file, for: state) }
        guard file.names.contains(where: { $0.hasPrefix(stateSpacePrefix) }) else { return nil }
        let isWhole = file.names.contains {
            wholeModelName(ofOfficial: $0)?.hasPrefix(encoderPrefix) == false
        }
        return Layout(targets: self.file(of: state, wholeModel: isWhole), isWhole: isWhole) {
            $0.hasPrefix(stateSpacePrefix) && wholeModelName(ofOfficial: $0) == nil
        }
    }

    /// The whole model where the file has all of it, otherwise the encoder; a head is passed over where none is wanted.
    private static func supervisedLayout(
        of file: SafetensorsFile, for state: [NamedTensor]
    ) -> Layout {
        let whole = self.file(of: state, wholeModel: true)
        let isWhole = Set(file.names).isSuperset(of: whole.map(\.name))
        let targets = isWhole ? whole : self.file(of: state, wholeModel: false)
        let wantsHead = targets.contains { $0.name.hasPrefix(supervisedHead) }
        return Layout(targets: targets, isWhole: isWhole) {
            wholeModelName(ofSupervised: $0) == nil || !wantsHead && $0.hasPrefix(supervisedHead)
        }
    }
}
