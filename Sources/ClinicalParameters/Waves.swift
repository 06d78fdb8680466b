/// Onset, peak and offset of one wave, in samples of whatever signal they were found in.
struct Wave: Equatable {
    var onset: Double
    var peak: Double
    var offset: Double

    func moved(by shift: Double) -> Wave {
        Wave(onset: onset + shift, peak: peak + shift, offset: offset + shift)
    }
}

/// The waves of a beat; `nil` where there is none that stands out.
struct BeatWaves: Equatable {
    var p: Wave?
    var qrs: Wave?
    var t: Wave?
}
