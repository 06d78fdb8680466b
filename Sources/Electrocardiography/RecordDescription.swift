/// What the medical report of a record says, as far as models and evaluations use it.
public struct RecordDescription: Sendable, Equatable {
    /// The name within its source: PTB-XL's `ecg_id`, else the path below the source.
    public var name: String
    /// Number of the source in the order in which the sources were given.
    public var source: Int
    /// The patient; `nil` where nobody said.
    public var patient: String?
    /// 1 to 10 where the source assigns folds.
    public var fold: Int?
    /// PTB-XL's diagnostic superclasses, whatever the likelihood of their codes; of SNOMED CT codes as `SnomedStatements`
    /// has them.
    public var superclasses: Superclasses
    /// SCP-ECG codes (PTB-XL) or SNOMED CT codes (Challenge, Chapman and Ningbo), in the order of the source.
    public var codes: [DiagnosticCode]
    /// Age in years.
    public var ageYears: Float?
    /// Sex as recorded.
    public var sex: Sex?
    /// The rate at which the record was stored.
    public var sourceRateHz: Double

    /// The number `n` of a Challenge record `HRn`, which is PTB-XL's record `n`; `nil` for other names.
    ///
    /// - Parameter name: A record's name, perhaps with the path before it.
    /// - Returns: PTB-XL's number.
    public static func ptbxlNumber(ofChallengeRecord name: String) -> Int? {
        guard let last = name.split(separator: "/").last, last.hasPrefix("HR"), last.count == 7
        else { return nil }
        let digits = last.dropFirst(2)
        return digits.allSatisfy { $0.isASCII && $0.isNumber } ? Int(digits) : nil
    }
}

/// A code with the likelihood that a cardiologist gave it.
public struct DiagnosticCode: Sendable, Equatable, Codable {
    /// The code.
    public var code: String
    /// Percent; 0 means unknown, `nil` that the source has no likelihoods.
    public var likelihood: Float?

    /// A code of a source.
    public init(code: String, likelihood: Float?) {
        (self.code, self.likelihood) = (code, likelihood)
    }
}

/// Sex as recorded.
public enum Sex: UInt8, Sendable, Codable {
    case male = 1
    case female = 2
}

/// The five diagnostic superclasses of PTB-XL, in the order of class vectors.
public enum Superclass: Int, Sendable, CaseIterable {
    case cd, hyp, mi, norm, sttc

    /// The name as in `scp_statements.csv`.
    public var name: String { "\(self)".uppercased() }

    /// The class of a name.
    public init?(name: some StringProtocol) {
        guard let found = Superclass.allCases.first(where: { $0.name == name }) else { return nil }
        self = found
    }
}

/// A set of superclasses, one bit each.
public struct Superclasses: OptionSet, Sendable, Codable {
    /// Bit `n` is the superclass with raw value `n`.
    public let rawValue: UInt8

    /// A set of given bits.
    public init(rawValue: UInt8) { self.rawValue = rawValue }

    /// The set of one superclass.
    public init(_ superclass: Superclass) { rawValue = 1 << UInt8(superclass.rawValue) }

    /// The members' names, such as `CD+MI`.
    public var names: String { members.map(\.name).joined(separator: "+") }

    /// The members in the order of class vectors.
    public var members: [Superclass] {
        Superclass.allCases.filter { contains(Superclasses($0)) }
    }
}

/// One window of a prepared data set: a record and the piece of it.
public struct WindowDescription: Sendable, Equatable {
    /// The record that the window was cut from.
    public var record: RecordDescription
    /// Which whole piece of 10 s of the record it is, from 0.
    public var piece: Int
}
