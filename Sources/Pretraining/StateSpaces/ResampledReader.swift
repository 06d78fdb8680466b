import Configurations
import Electrocardiography
import Kernels
import NeuralNetworks

/// Reads windows as they are: twelve leads in mV at the network's own rate, no filter, no standardisation.
///
/// A window is resampled whole and cropped then, so that a crop has no edge of its own. It owns the buffers for it, so each
/// thread has its own.
final class ResampledReader: SignalReader {
    private let input: InputConfiguration
    private let samples: Int
    private let rateHz: Double
    private let limit: Float?
    private var window: [Float] = []
    private var resampled: [Float] = []
    private var resampler: Resampler?

    /// A reader of crops.
    ///
    /// - Parameters:
    ///   - input: What a sample is.
    ///   - samples: Samples of a crop at the network's rate.
    ///   - rateHz: The network's rate.
    ///   - limit: Signals are cut off at plus and minus this, in mV; as they are when left out.
    init(input: InputConfiguration, samples: Int, rateHz: Double, limit: Float? = nil) {
        self.input = input
        self.samples = samples
        self.rateHz = rateHz
        self.limit = limit
    }

    /// A shard's crops, at random in training and from the middle otherwise.
    ///
    /// - Returns: Shape `[windows * leads, samples]`.
    /// - Throws: When a window cannot be read.
    func signals(of shard: Shard, from source: any WindowSource, on tape: Tape) throws -> Value {
        let crops = tape.input(rows: shard.windows.count * input.leads, columns: samples)
        for (index, number) in shard.windows.enumerated() {
            let length = try read(number, from: source)
            let start = shard.cropStart(ofSample: index, slack: length - samples)
            fill(crops, first: index * input.leads, start: start, length: length)
        }
        return crops
    }

    /// One window's crop from a sample of the window on, or as late as there is a whole one.
    func signal(
        of shard: Shard, start: Int, from source: any WindowSource, on tape: Tape
    ) throws -> Value {
        let crop = tape.input(rows: input.leads, columns: samples)
        let length = try read(shard.windows[0], from: source)
        let place = Int((Double(start) * rateHz / input.sampleRateHz).rounded())
        fill(crop, first: 0, start: min(place, length - samples), length: length)
        return crop
    }

    private func fill(_ crops: Value, first: Int, start: Int, length: Int) {
        for lead in 0..<input.leads {
            let place = lead * length + start
            crops.row(first + lead).update(
                from: resampled.span.extracting(place..<place + samples))
        }
    }

    /// Reads a window at the network's rate.
    ///
    /// - Returns: Its length.
    private func read(_ number: Int, from source: any WindowSource) throws -> Int {
        let count = source.samplesPerWindow
        let length = max(
            samples, Int((Double(count) * rateHz / input.sampleRateHz).rounded()))
        if resampler?.inputCount != count {
            window = Array(repeating: 0, count: input.leads * count)
            resampled = Array(repeating: 0, count: input.leads * length)
            resampler = Resampler(inputCount: count, outputCount: length)
        }
        try window.withNumbers { window in
            try window.withMutableSpan { try source.readMillivolts(window: number, into: &$0) }
        }
        resampler?.resample(window, into: &resampled)
        if let limit {
            for i in resampled.indices {
                let value = resampled[i]
                resampled[i] = value > limit ? limit : (value < -limit ? -limit : value)
            }
        }
        return length
    }
}
