/// How many millimetres of ECG paper a millivolt takes: 10, as everywhere, or half of it as often as curves need it.
///
/// A curve that leaves its place is cut or lies over others; one of another scale is read rightly where the picture says so.
public struct PaperScale: Sendable, Equatable {
    /// 10 mm/mV.
    public static let usual = PaperScale(millimetresPerMillivolt: 10)

    /// The scale.
    public let millimetresPerMillivolt: Double

    private init(millimetresPerMillivolt: Double) {
        self.millimetresPerMillivolt = millimetresPerMillivolt
    }

    /// The usual scale, halved until all deflections have room.
    ///
    /// - Parameter deflections: Distances from the baseline in mV with the millimetres that there are for each, above 0;
    ///   what is not finite is not drawn, and needs no room.
    public init(fitting deflections: some Sequence<(millivolts: Double, millimetres: Double)>) {
        var scale = Self.usual.millimetresPerMillivolt
        for (millivolts, millimetres) in deflections where millivolts.isFinite {
            while abs(millivolts) * scale > millimetres { scale /= 2 }
        }
        self.init(millimetresPerMillivolt: scale)
    }

    /// The scale for the foot of a picture, such as `10 mm/mV`; another than the usual one says that it is.
    public var text: String {
        let number =
            millimetresPerMillivolt == millimetresPerMillivolt.rounded()
            ? "\(Int(millimetresPerMillivolt))" : "\(millimetresPerMillivolt)"
        return self == .usual ? "\(number) mm/mV" : "\(number) mm/mV (usual: 10)"
    }
}
