/// Changes the number of samples of a signal by the Fourier method: the band that both rates share is kept.
///
/// Two real leads travel as real and imaginary part of one complex signal, so that twelve leads cost one pass of
/// vectors. Allocated once, one instance a thread.
public final class Resampler {
    /// Samples that go in.
    public let inputCount: Int
    /// Samples that come out.
    public let outputCount: Int

    private let analysis: FourierTransform
    private let synthesis: FourierTransform
    private let input: UnsafeMutableBufferPointer<FourierTransform.Lanes>
    private let output: UnsafeMutableBufferPointer<FourierTransform.Lanes>
    /// Leads in one pass: two in each lane.
    private static let leadsPerPass = 2 * FourierTransform.Lanes.scalarCount

    /// A resampler from one number of samples to another.
    ///
    /// - Precondition: Both are positive.
    public init(inputCount: Int, outputCount: Int) {
        (self.inputCount, self.outputCount) = (inputCount, outputCount)
        analysis = FourierTransform(count: inputCount)
        synthesis = FourierTransform(count: outputCount)
        input = .allocate(capacity: 2 * inputCount)
        input.initialize(repeating: FourierTransform.Lanes())
        output = .allocate(capacity: 2 * outputCount)
        output.initialize(repeating: FourierTransform.Lanes())
    }

    deinit {
        input.deallocate()
        output.deallocate()
    }

    /// Resamples leads.
    ///
    /// - Parameters:
    ///   - leads: Signals of `inputCount` samples.
    ///   - resampled: Values of `outputCount` samples a lead, lead by lead.
    /// - Precondition: The buffers have the sizes that follow.
    public func resample(
        _ leads: [UnsafeBufferPointer<Float>], into resampled: UnsafeMutableBufferPointer<Float>
    ) {
        precondition(
            resampled.count == leads.count * outputCount
                && leads.allSatisfy { $0.count == inputCount },
            "a resampler from \(inputCount) to \(outputCount) samples got other sizes")
        guard inputCount != outputCount else {
            for (i, lead) in leads.enumerated() {
                for t in 0..<inputCount { resampled[i * outputCount + t] = lead[t] }
            }
            return
        }
        for first in stride(from: 0, to: leads.count, by: Self.leadsPerPass) {
            pass(leads, from: first, into: resampled)
        }
    }

    private func pass(
        _ leads: [UnsafeBufferPointer<Float>], from first: Int,
        into resampled: UnsafeMutableBufferPointer<Float>
    ) {
        let re = UnsafeMutableBufferPointer(rebasing: input[..<inputCount])
        let im = UnsafeMutableBufferPointer(rebasing: input[inputCount...])
        let width = FourierTransform.Lanes.scalarCount
        for i in input.indices { input[i] = FourierTransform.Lanes() }
        let last = min(first + Self.leadsPerPass, leads.count)
        for lead in first..<last {
            let (lane, isImaginary) = ((lead - first) % width, lead - first >= width)
            let part = isImaginary ? im : re
            let samples = leads[lead]
            for t in 0..<inputCount { part[t][lane] = Double(samples[t]) }
        }
        analysis.forward(re, im)
        let newRe = UnsafeMutableBufferPointer(rebasing: output[..<outputCount])
        let newIm = UnsafeMutableBufferPointer(rebasing: output[outputCount...])
        moveBins(re, newRe)
        moveBins(im, newIm)
        synthesis.inverse(newRe, newIm)
        for lead in first..<last {
            let (lane, isImaginary) = ((lead - first) % width, lead - first >= width)
            let part = isImaginary ? newIm : newRe
            for t in 0..<outputCount {
                resampled[lead * outputCount + t] = Float(part[t][lane])
            }
        }
    }

    /// Keeps the shared bins, scaled by the inverse transform's 1/n times out/in.
    ///
    /// The last shared bin of an even length stands for both signs of its frequency: they are added when bins are
    /// dropped and share it half and half when bins are added.
    private func moveBins(
        _ old: UnsafeMutableBufferPointer<FourierTransform.Lanes>,
        _ new: UnsafeMutableBufferPointer<FourierTransform.Lanes>
    ) {
        let shared = min(inputCount, outputCount)
        let scale = 1 / Double(inputCount)
        for i in new.indices { new[i] = FourierTransform.Lanes() }
        for k in 0..<(shared + 1) / 2 { new[k] = old[k] * scale }
        for k in 1..<max(1, (shared + 1) / 2) {
            new[outputCount - k] = old[inputCount - k] * scale
        }
        guard shared.isMultiple(of: 2) else { return }
        let middle = shared / 2
        if outputCount < inputCount {
            new[middle] = (old[middle] + old[inputCount - middle]) * scale
        } else {
            let half = old[middle] * (scale / 2)
            new[middle] = half
            new[outputCount - middle] = half
        }
    }
}
