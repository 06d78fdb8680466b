import Kernels

/// A filter of second order that is run forward and backward, so that nothing moves in time.
///
/// Butterworth by the bilinear transform; the two runs make it -6 dB at the cut-off. Four leads run side by side in the
/// lanes of a vector. Each end is extended by its own point reflection, and each run starts in the state that a
/// constant input settles in.
struct ZeroPhaseFilter {
    enum Band { case low, high }

    typealias Lanes = SIMD4<Double>

    private let b0, b1, b2, a1, a2: Double

    /// A filter for a cut-off between 0 and half the rate.
    init(_ band: Band, cutoffHz: Double, sampleRateHz: Double) {
        precondition(
            cutoffHz > 0 && cutoffHz < sampleRateHz / 2,
            "a cut-off of \(cutoffHz) Hz does not fit a rate of \(sampleRateHz) Hz")
        let angle = Double.pi * cutoffHz / sampleRateHz
        let edge = ElementaryFunctions.sine(angle) / ElementaryFunctions.cosine(angle)
        let damping = 1 + edge * 2.0.squareRoot() + edge * edge
        switch band {
        case .low: (b0, b1) = (edge * edge / damping, 2 * edge * edge / damping)
        case .high: (b0, b1) = (1 / damping, -2 / damping)
        }
        b2 = b0
        a1 = 2 * (edge * edge - 1) / damping
        a2 = (1 - edge * 2.0.squareRoot() + edge * edge) / damping
    }

    /// Filters a buffer in place, over all of it.
    func apply(_ samples: UnsafeMutablePointer<Lanes>, count: Int) {
        guard count > 0 else { return }
        run(samples, from: 0, by: 1, count: count)
        run(samples, from: count - 1, by: -1, count: count)
    }

    private func run(_ samples: UnsafeMutablePointer<Lanes>, from: Int, by step: Int, count: Int) {
        let settled = (b0 + b1 + b2) / (1 + a1 + a2)
        let first = samples[from]
        var s1 = first * (settled - b0)
        var s2 = first * (b2 - a2 * settled)
        var place = samples + from
        for _ in 0..<count {
            let x = place.pointee
            let y = s1 + x * b0
            s1 = s2 + x * b1 - y * a1
            s2 = x * b2 - y * a2
            place.pointee = y
            place += step
        }
    }
}
