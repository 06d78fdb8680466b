/// What is set beside an encoder to know what its numbers are worth, from the nearest to the plainest.
public enum Control: String, Sendable, CaseIterable {
    /// The encoder with random weights.
    case random
    /// A hybrid without its clinical tokens.
    case signalAlone = "signal_alone"
    /// Statistics of the raw leads.
    case statistics
    /// Clinical parameters.
    case parameters
    /// Clinical parameters in segments.
    case parametersInSegments = "parameters_in_segments"
    /// The encoder's vectors and clinical parameters in segments side by side.
    case withParameters = "with_parameters"
    /// Age and sex.
    case ageAndSex = "age_and_sex"

    /// The control under a name in the JSON; `nil` for one that is not known.
    ///
    /// A comparison has several encoders with random weights where its runs are of several kinds.
    public init?(name: String) {
        let isRandom = name.hasPrefix(Control.random.rawValue)
        guard let control = isRandom ? .random : Control(rawValue: name) else { return nil }
        self = control
    }

    /// The name of one of several encoders with random weights.
    ///
    /// - Parameters:
    ///   - number: From 1.
    ///   - method: The encoder's method.
    /// - Returns: Words, as people read them.
    public static func randomName(_ number: Int, method: String) -> String {
        "\(Control.random.rawValue) \(method) \(number)"
    }
}
