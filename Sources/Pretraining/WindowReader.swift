import Configurations
import Electrocardiography
import Kernels
import NeuralNetworks

/// Reads windows as every encoder gets them: cropped, filtered, standardised over all leads.
///
/// It owns the buffers for it, so each thread has its own.
public final class WindowReader: SignalReader {
    private let input: InputConfiguration
    private let buffer: WindowBuffer
    private var conditioner: SignalConditioner?

    /// A reader of crops.
    public init(input: InputConfiguration) {
        self.input = input
        buffer = WindowBuffer(leads: input.leads)
    }

    /// A shard's crops, cut into patches.
    ///
    /// - Returns: Shape `[samples * leads * patches, patchSamples]`.
    /// - Throws: When a window cannot be read.
    func patches(of shard: Shard, from source: any WindowSource, on tape: Tape) throws -> Value {
        try signals(of: shard, from: source, on: tape).reshaped(columns: input.patchSamples)
    }

    /// A shard's crops, at random in training and from the middle otherwise.
    ///
    /// - Returns: Shape `[samples * leads, cropSamples]`.
    /// - Throws: When a window cannot be read.
    public func signals(of shard: Shard, from source: any WindowSource, on tape: Tape) throws
        -> Value
    {
        let crops = tape.input(
            rows: shard.windows.count * input.leads, columns: input.cropSamples)
        for sample in shard.windows.indices {
            try read(
                shard, sample, length: input.cropSamples, from: source,
                into: crops.rows(sample * input.leads..<(sample + 1) * input.leads).numbers)
        }
        return crops
    }

    /// One window's crop from a given sample on.
    ///
    /// - Returns: Shape `[leads, cropSamples]`.
    /// - Throws: When the window cannot be read.
    public func signal(
        of shard: Shard, start: Int, from source: any WindowSource, on tape: Tape
    ) throws -> Value {
        let crop = tape.input(rows: input.leads, columns: input.cropSamples)
        let place = CropPlace(
            window: shard.windows[0], start: start, length: input.cropSamples,
            windowSamples: source.samplesPerWindow)
        try read(
            place, length: input.cropSamples, standardises: true, from: source,
            into: crop.numbers)
        return crop
    }

    /// Reads a sample's crop, at random in training and from the middle otherwise, filters and standardises it.
    ///
    /// - Parameters:
    ///   - shard: What the sample belongs to.
    ///   - sample: Its place in the shard.
    ///   - length: Samples of the crop, at most those of a window.
    ///   - standardises: Whether mean and deviation of all leads are taken out.
    ///   - source: Where windows come from.
    ///   - target: Shape `[leads, length]`, lead by lead.
    /// - Throws: When a window cannot be read.
    func read(
        _ shard: Shard, _ sample: Int, length: Int, standardises: Bool = true,
        from source: any WindowSource, into target: Numbers<Float>
    ) throws {
        let place = shard.cropPlace(
            ofSample: sample, length: length, windowSamples: source.samplesPerWindow,
            crops: input.crops, from: source)
        try read(place, length: length, standardises: standardises, from: source, into: target)
    }

    private func read(
        _ place: CropPlace, length: Int, standardises: Bool, from source: any WindowSource,
        into target: Numbers<Float>
    ) throws {
        if conditioner == nil {
            let windows = input.crops == .record ? 2 : 1
            conditioner = SignalConditioner(
                sampleRateHz: input.sampleRateHz,
                sampleCapacity: windows * source.samplesPerWindow, leadCapacity: input.leads)
        }
        try buffer.read(place.windows, from: source) { signal in
            if input.filterBeforeCrop {
                conditioner?.condition(
                    signal, leadCount: input.leads, filters: true, standardise: false)
            }
            let samples = signal.count / input.leads
            for lead in 0..<input.leads {
                let first = lead * samples + place.start
                target.part(lead * length..<(lead + 1) * length).update(
                    from: signal.part(first..<first + length))
            }
        }
        conditioner?.condition(
            target, leadCount: input.leads, filters: !input.filterBeforeCrop,
            standardise: standardises)
    }

    /// Takes out mean and deviation of all leads together.
    func standardise(_ signal: Numbers<Float>) {
        conditioner?.condition(signal, leadCount: input.leads, filters: false, standardise: true)
    }
}
