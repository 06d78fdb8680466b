import Kernels

/// A recursive filter of second order: `y = b0 x + b1 x' + b2 x'' - a1 y' - a2 y''`.
public struct SecondOrderSection: Sendable, Equatable {
    /// Weights of the input now, one and two samples ago.
    public var b0, b1, b2: Double
    /// Weights of the output one and two samples ago.
    public var a1, a2: Double

    /// The gain for a constant input.
    var gainAtZero: Double { (b0 + b1 + b2) / (1 + a1 + a2) }

    /// The state (transposed direct form II) that a constant input of 1 settles in.
    var steadyState: (first: Double, second: Double) {
        let first = ((b1 - a1 * b0) + (b2 - a2 * b0)) / (1 + a1 + a2)
        return (first, (1 + a1) * first - (b1 - a1 * b0))
    }
}

/// Butterworth's maximally flat filters of order 5, as three second-order sections.
///
/// Bilinear transform with the cut-off prewarped. The sections are those of the usual scientific packages: the real
/// pole first, with the whole gain, then the pairs by growing distance from the origin.
public enum ButterworthFilter {
    /// What passes.
    public enum Band: Sendable {
        case low, high
    }

    /// Designs a filter.
    ///
    /// - Parameters:
    ///   - band: What passes.
    ///   - cutoffHz: Where the power is halved in one pass.
    ///   - sampleRateHz: The rate of the signal.
    /// - Returns: Three sections, to be run in this order.
    /// - Precondition: The cut-off lies between 0 and half the rate.
    public static func sections(
        _ band: Band, cutoffHz: Double, sampleRateHz: Double
    ) -> [SecondOrderSection] {
        precondition(
            cutoffHz > 0 && cutoffHz < sampleRateHz / 2,
            "a cut-off of \(cutoffHz) Hz does not fit a rate of \(sampleRateHz) Hz")
        let angle = Double.pi * cutoffHz / sampleRateHz
        // In units in which the bilinear transform is z = (1 + s) / (1 - s).
        let edge = ElementaryFunctions.sine(angle) / ElementaryFunctions.cosine(angle)
        var gain = 1.0
        var sections: [SecondOrderSection] = []
        for turn in [0.0, 1, 2] {
            let along = edge * ElementaryFunctions.cosine(turn * .pi / 5)
            let across = edge * ElementaryFunctions.sine(turn * .pi / 5)
            // The analogue pole -along + i across. A low-pass to high-pass change (s to edge^2 / s) leaves it in place.
            let denominator = (1 + along) * (1 + along) + across * across
            let real = ((1 - along) * (1 + along) - across * across) / denominator
            let imaginary = 2 * across / denominator
            let zero = band == .low ? 1.0 : -1.0
            if turn == 0 {
                gain *= (band == .low ? edge : 1) / (1 + along)
                sections.append(
                    SecondOrderSection(b0: 1, b1: zero, b2: 0, a1: -real, a2: 0))
            } else {
                gain *= (band == .low ? edge * edge : 1) / denominator
                sections.append(
                    SecondOrderSection(
                        b0: 1, b1: 2 * zero, b2: 1, a1: -2 * real,
                        a2: real * real + imaginary * imaginary))
            }
        }
        moveOddZero(&sections, zero: band == .low ? -1 : 1)
        sections[0].b0 *= gain
        sections[0].b1 *= gain
        sections[0].b2 *= gain
        return sections
    }

    /// Gives the last pair the zero at the origin that comes with an odd order, where that zero is nearer to it.
    private static func moveOddZero(_ sections: inout [SecondOrderSection], zero: Double) {
        let last = sections[2]
        let real = -last.a1 / 2
        let (toOrigin, toZero) = (last.a2, last.a2 - 2 * real * zero + zero * zero)
        guard toOrigin < toZero else { return }
        (sections[2].b1, sections[2].b2) = (-zero, 0)
        (sections[0].b1, sections[0].b2) = (-2 * zero, 1)
    }
}
