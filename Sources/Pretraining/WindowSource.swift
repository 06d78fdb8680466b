import Electrocardiography

/// Where windows of signal come from.
public protocol WindowSource: Sendable {
    /// Samples in a window, each lead.
    var samplesPerWindow: Int { get }

    /// Reads one window in mV.
    ///
    /// - Parameters:
    ///   - window: Its number.
    ///   - signal: Shape `[12, samplesPerWindow]`, lead-major.
    /// - Throws: When the window cannot be read, naming file and record.
    func readMillivolts(window: Int, into signal: inout MutableSpan<Float>) throws

    /// Whether the window of the next number is the next one of the same record, without a gap, and joins it.
    func isFollowed(window: Int) -> Bool

    /// What is known of a window beside its signal.
    func facts(of window: Int) -> WindowFacts

    /// The superclasses of a window's record by a rule of its own.
    func superclasses(of window: Int, rule: LabelRule) -> Superclasses

    /// Clinical features of a window; 0 where the source has none.
    var clinicalFeatureCount: Int { get }

    /// Gives the clinical features of a window, NaN where one was not measured.
    ///
    /// - Parameters:
    ///   - window: Its number.
    ///   - features: `clinicalFeatureCount` numbers.
    func clinicalFeatures(of window: Int, into features: inout MutableSpan<Float>)
}

extension WindowSource {
    /// Every window is a record of its own.
    public func isFollowed(window: Int) -> Bool { false }
    /// None.
    public var clinicalFeatureCount: Int { 0 }
    /// There are none to give.
    public func clinicalFeatures(of window: Int, into features: inout MutableSpan<Float>) {}
    /// Those of the facts: a source without codes knows no likelihoods.
    public func superclasses(of window: Int, rule: LabelRule) -> Superclasses {
        facts(of: window).superclasses
    }
}

/// What is known of a window beside its signal, as far as methods use it.
public struct WindowFacts: Sendable, Equatable {
    /// The record that it is cut from.
    public let record: String
    /// Number of the patient within the data set; windows of records without one have a number of their own record.
    public let patient: Int
    /// The record's diagnostic superclasses; empty where it has none.
    public let superclasses: Superclasses
    /// The fold that the record's source puts it in; `nil` where there are none.
    public let fold: Int?

    /// Facts by name.
    public init(record: String, patient: Int, superclasses: Superclasses, fold: Int? = nil) {
        self.record = record
        self.patient = patient
        self.superclasses = superclasses
        self.fold = fold
    }
}
