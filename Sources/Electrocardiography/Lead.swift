/// One of the twelve standard leads, in the order that every model sees them.
public enum Lead: Int, Sendable, CaseIterable, CustomStringConvertible {
    case i, ii, iii, aVR, aVL, aVF, v1, v2, v3, v4, v5, v6

    /// The name as printed on ECG paper.
    public var name: String {
        switch self {
        case .i: "I"
        case .ii: "II"
        case .iii: "III"
        case .aVR: "aVR"
        case .aVL: "aVL"
        case .aVF: "aVF"
        default: "V\(rawValue - Lead.v1.rawValue + 1)"
        }
    }

    /// The name as printed on ECG paper.
    public var description: String { name }

    /// The lead that a header means by a name, in any case: `AVR`, `aVR` and `avr` are one.
    public init?(headerName: String) {
        guard let lead = Lead.byLowercaseName[headerName.lowercased()] else { return nil }
        self = lead
    }

    private static let byLowercaseName: [String: Lead] = Dictionary(
        uniqueKeysWithValues: allCases.map { ($0.name.lowercased(), $0) })
}
