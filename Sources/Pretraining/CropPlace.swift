import Configurations
import Kernels

/// Where a crop lies: in one window, or from it on into the window that follows it in its record.
struct CropPlace: Equatable {
    /// The windows that it has samples of, one or two.
    let windows: Range<Int>
    /// Its first sample, counted from that of the first window.
    let start: Int
    /// The window that has more of it; the first where both have a half.
    let mainWindow: Int

    /// A crop by the window and the sample that it begins at; it is not longer than a window.
    init(window: Int, start: Int, length: Int, windowSamples: Int) {
        let behind = start + length - windowSamples
        windows = window..<(behind > 0 ? window + 2 : window + 1)
        self.start = start
        mainWindow = behind > length - behind ? window + 1 : window
    }
}

extension Shard {
    /// Where a sample's crop lies: drawn from seed, step and position in training, in the middle of its window otherwise.
    ///
    /// In training with `crops` of `record`, it begins at any sample of a window that is followed by the next one of its
    /// record, and runs on into that.
    ///
    /// - Parameters:
    ///   - sample: Its place in the shard.
    ///   - length: Samples of a crop, at most those of a window.
    ///   - windowSamples: Samples of a window, at the rate that the crop is cut at.
    ///   - crops: Where it may end.
    ///   - source: Where windows come from.
    /// - Returns: The place.
    func cropPlace(
        ofSample sample: Int, length: Int, windowSamples: Int, crops: InputConfiguration.Crops,
        from source: any WindowSource
    ) -> CropPlace {
        let window = windows[sample]
        let runsOn =
            role == .training && crops == .record && source.isFollowed(window: window)
        let slack = runsOn ? windowSamples - 1 : windowSamples - length
        return CropPlace(
            window: window, start: cropStart(ofSample: sample, slack: slack), length: length,
            windowSamples: windowSamples)
    }
}

/// A thread's buffers for windows in mV: one, or several that follow one another, joined.
final class WindowBuffer {
    private let leads: Int
    private var window: [Float] = []
    private var joined: [Float] = []

    /// Buffers for windows of so many leads.
    init(leads: Int) { self.leads = leads }

    /// Reads windows and lends them.
    ///
    /// - Parameters:
    ///   - windows: Their numbers, at least one.
    ///   - source: Where windows come from.
    ///   - body: Uses their samples, shape `[leads, n]`, the windows' one behind the other.
    /// - Returns: What `body` returns.
    /// - Throws: When a window cannot be read, and what `body` throws.
    func read<Result>(
        _ windows: Range<Int>, from source: any WindowSource,
        _ body: (Numbers<Float>) throws -> Result
    ) throws -> Result {
        let samples = source.samplesPerWindow
        if window.count != leads * samples {
            window = Array(repeating: 0, count: leads * samples)
        }
        return try window.withNumbers { window in
            guard windows.count > 1 else {
                try Self.read(windows.lowerBound, from: source, into: window)
                return try body(window)
            }
            if joined.count != windows.count * window.count {
                joined = Array(repeating: 0, count: windows.count * window.count)
            }
            return try joined.withNumbers { joined in
                for (place, number) in windows.enumerated() {
                    try Self.read(number, from: source, into: window)
                    for lead in 0..<leads {
                        let start = (lead * windows.count + place) * samples
                        joined.part(start..<start + samples).update(
                            from: window.part(lead * samples..<(lead + 1) * samples))
                    }
                }
                return try body(joined)
            }
        }
    }

    private static func read(
        _ number: Int, from source: any WindowSource, into window: Numbers<Float>
    ) throws {
        try window.withMutableSpan { try source.readMillivolts(window: number, into: &$0) }
    }
}
