import Configurations
import Electrocardiography
import Kernels
import NeuralNetworks

/// Reads windows as every encoder gets them: cropped, filtered, standardised over all leads.
///
/// It owns the buffers for it, so each thread has its own.
public final class WindowReader: SignalReader {
    private let input: InputConfiguration
    private var conditioner: SignalConditioner?
    private var window: [Float] = []

    /// A reader of crops.
    public init(input: InputConfiguration) { self.input = input }

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
        for (index, window) in shard.windows.enumerated() {
            try read(
                window,
                start: shard.cropStart(ofSample: index, slack: slack(of: source)),
                length: input.cropSamples, from: source,
                into: crops.rows(index * input.leads..<(index + 1) * input.leads).numbers)
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
        try read(
            shard.windows[0], start: start, length: input.cropSamples, from: source,
            into: crop.numbers)
        return crop
    }

    /// Samples by which a window is longer than a crop.
    func slack(of source: any WindowSource) -> Int { source.samplesPerWindow - input.cropSamples }

    /// Reads a part of a window, filters and standardises it.
    ///
    /// - Parameters:
    ///   - number: The window.
    ///   - start: First sample of the part.
    ///   - length: Samples of the part.
    ///   - standardises: Whether mean and deviation of all leads are taken out.
    ///   - source: Where windows come from.
    ///   - target: Shape `[leads, length]`, lead by lead.
    /// - Throws: When the window cannot be read.
    func read(
        _ number: Int, start: Int, length: Int, standardises: Bool = true,
        from source: any WindowSource, into target: Numbers<Float>
    ) throws {
        let samples = source.samplesPerWindow
        if window.isEmpty {
            window = Array(repeating: 0, count: input.leads * samples)
            conditioner = SignalConditioner(
                sampleRateHz: input.sampleRateHz, sampleCapacity: samples, leadCapacity: input.leads
            )
        }
        try window.withNumbers { window in
            try window.withMutableSpan { span in
                try source.readMillivolts(window: number, into: &span)
            }
            if input.filterBeforeCrop {
                conditioner?.condition(
                    window, leadCount: input.leads, filters: true, standardise: false)
            }
            for lead in 0..<input.leads {
                let first = lead * samples + start
                target.part(lead * length..<(lead + 1) * length).update(
                    from: window.part(first..<first + length))
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
