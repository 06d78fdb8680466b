import Configurations
import Electrocardiography
import Kernels
import NeuralNetworks

/// Reads windows as they are: twelve leads in mV at the network's own rate, no filter, no standardisation.
///
/// A window is resampled whole and cropped then, so that a crop has no edge of its own; a crop that runs on into the next
/// window is cut from both, resampled together. It owns the buffers for it, so each thread has its own.
final class ResampledReader: SignalReader {
    private let input: InputConfiguration
    private let samples: Int
    private let rateHz: Double
    private let limit: Float?
    private let buffer: WindowBuffer
    private var resampled: [Float] = []
    private var resamplers: [Int: Resampler] = [:]

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
        buffer = WindowBuffer(leads: input.leads)
    }

    /// A shard's crops, at random in training and from the middle otherwise.
    ///
    /// - Returns: Shape `[windows * leads, samples]`.
    /// - Throws: When a window cannot be read.
    func signals(of shard: Shard, from source: any WindowSource, on tape: Tape) throws -> Value {
        let crops = tape.input(rows: shard.windows.count * input.leads, columns: samples)
        for index in shard.windows.indices {
            let place = place(ofSample: index, of: shard, from: source)
            try fill(crops, first: index * input.leads, place, from: source)
        }
        return crops
    }

    /// One window's crop from a sample of the window on, or as late as there is a whole one.
    func signal(
        of shard: Shard, start: Int, from source: any WindowSource, on tape: Tape
    ) throws -> Value {
        let crop = tape.input(rows: input.leads, columns: samples)
        let length = length(of: source)
        let place = Int((Double(start) * rateHz / input.sampleRateHz).rounded())
        try fill(
            crop, first: 0,
            CropPlace(
                window: shard.windows[0], start: min(place, length - samples), length: samples,
                windowSamples: length),
            from: source)
        return crop
    }

    /// The windows that have more than the others of a shard's crops: what is known of a window is known of these crops.
    func mainWindows(of shard: Shard, from source: any WindowSource) -> [Int] {
        shard.windows.indices.map { place(ofSample: $0, of: shard, from: source).mainWindow }
    }

    /// Samples of a window at the network's rate.
    private func length(of source: any WindowSource) -> Int {
        max(
            samples,
            Int((Double(source.samplesPerWindow) * rateHz / input.sampleRateHz).rounded()))
    }

    private func place(
        ofSample sample: Int, of shard: Shard, from source: any WindowSource
    ) -> CropPlace {
        shard.cropPlace(
            ofSample: sample, length: samples, windowSamples: length(of: source),
            crops: input.crops, from: source)
    }

    /// Reads a crop at the network's rate into rows of its own.
    private func fill(
        _ crops: Value, first: Int, _ place: CropPlace, from source: any WindowSource
    ) throws {
        let count = place.windows.count
        let length = count * length(of: source)
        let resampler = resampler(from: count * source.samplesPerWindow, to: length)
        if resampled.count < input.leads * length {
            resampled = Array(repeating: 0, count: input.leads * length)
        }
        try resampled.withNumbers { buffers in
            let resampled = buffers.part(0..<input.leads * length)
            try buffer.read(place.windows, from: source) {
                resampler.resample($0, into: resampled)
            }
            for lead in 0..<input.leads {
                let row = crops.row(first + lead)
                let start = lead * length + place.start
                row.update(from: resampled.part(start..<start + samples))
                guard let limit else { continue }
                for i in row.indices {
                    let value = row[i]
                    row[i] = value > limit ? limit : (value < -limit ? -limit : value)
                }
            }
        }
    }

    private func resampler(from inputCount: Int, to outputCount: Int) -> Resampler {
        if let known = resamplers[inputCount] { return known }
        let made = Resampler(inputCount: inputCount, outputCount: outputCount)
        resamplers[inputCount] = made
        return made
    }
}
