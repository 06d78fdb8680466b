import Runtime
import Tensors

/// Official files of ECG-CPC, whose encoder has two parts that are both named before their layers.
///
/// All names begin with `ts_encoder.`; what follows is the name in the whole model but for the `encoder.` that a state
/// puts before both parts. What the file has beside weights (roots of unity and their images, counts of batches) follows
/// from the sizes, or is not needed.
extension OfficialWeights {
    static let stateSpacePrefix = "ts_encoder."
    /// The two parts of the encoder; everything else is a head.
    private static let parts = ["encoder.", "predictor."]
    private static let derived = [".omega", ".z", ".num_batches_tracked"]

    /// Whether some names are those of an encoder of state spaces, official or as a state has them.
    private static func isStateSpaces(_ names: some Sequence<String>) -> Bool {
        names.contains { $0.hasPrefix(stateSpacePrefix) || $0.contains("predictor.s4_layers.") }
    }

    /// Whether names are those of an encoder of state spaces alone, whose first part is called as a model calls its encoder.
    static func isEncoderOfTwoParts(_ names: some Sequence<String>) -> Bool {
        names.contains { $0.hasPrefix("predictor.predictor.") }
    }

    /// A whole model's name of a weight in an official file; `nil` for what is no weight.
    private static func wholeModelName(ofOfficial name: String) -> String? {
        guard !derived.contains(where: name.hasSuffix) else { return nil }
        let own = name.dropFirst(stateSpacePrefix.count)
        return parts.contains(where: own.hasPrefix) ? encoderPrefix + own : String(own)
    }

    /// Weights of a file under the names that a whole model has for them, where the file is an official one of ECG-CPC;
    /// as they are otherwise.
    static func wholeModelNames(_ weights: [NamedTensor]) -> [NamedTensor] {
        guard weights.contains(where: { $0.name.hasPrefix(stateSpacePrefix) }) else {
            return weights
        }
        return weights.compactMap { weight in
            wholeModelName(ofOfficial: weight.name).map { NamedTensor($0, weight.tensor) }
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
        guard isStateSpaces(whole.map(\.name)) else {
            return wholeModel ? whole : encoder(of: state)
        }
        return whole.compactMap { weight in
            guard weight.name.hasPrefix(encoderPrefix) else {
                return wholeModel
                    ? NamedTensor(stateSpacePrefix + weight.name, weight.tensor) : nil
            }
            let own = weight.name.dropFirst(encoderPrefix.count)
            return NamedTensor(stateSpacePrefix + own, weight.tensor)
        }
    }

    /// Where a file has a state's weights; `nil` where the file is no official one of ECG-CPC.
    static func stateSpaceLayout(of file: SafetensorsFile, for state: [NamedTensor]) -> Layout? {
        guard file.names.contains(where: { $0.hasPrefix(stateSpacePrefix) }) else { return nil }
        let isWhole = file.names.contains {
            wholeModelName(ofOfficial: $0)?.hasPrefix(encoderPrefix) == false
        }
        return Layout(targets: self.file(of: state, wholeModel: isWhole), isWhole: isWhole) {
            $0.hasPrefix(stateSpacePrefix) && wholeModelName(ofOfficial: $0) == nil
        }
    }
}
