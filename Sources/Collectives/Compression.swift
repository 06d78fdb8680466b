import Runtime

/// Decides for one edge, bucket by bucket, whether compressing is faster.
///
/// In a ring a rank encodes S bytes and decodes about 2 S while 2 S travel, so compressing by a ratio r pays
/// on a link of goodput B when `2 S (1 - 1/r) / B > S / C + 2 S / D`, with encoding at C and decoding at D
/// bytes per second. All four are moving averages.
struct CompressionPolicy {
    /// While off, one chunk in so many is compressed all the same, to keep ratio and speeds known.
    static let probeInterval = 64
    /// Switching asks for a gain of more than this share, so that noise does not make it flap.
    static let hysteresis = 0.1

    let compression: Compression
    private(set) var isOn: Bool
    private(set) var goodput = MovingRate()
    private(set) var encodeSpeed = MovingRate()
    private(set) var decodeSpeed = MovingRate()
    private(set) var ratio = MovingRate()
    private var chunksUntilProbe = 0

    init(_ compression: Compression) {
        self.compression = compression
        isOn = compression == .zlib
    }

    /// Looks at the averages again; called when a bucket begins to travel.
    mutating func decide() {
        guard compression == .auto, let times = times() else { return }
        let factor = isOn ? 1 / (1 + Self.hysteresis) : 1 + Self.hysteresis
        isOn = times.saved > times.spent * factor
    }

    /// Whether the next chunk goes through the codec, and whether only to measure it.
    mutating func next() -> (encodes: Bool, isProbe: Bool) {
        if isOn { return (true, false) }
        guard compression == .auto else { return (false, false) }
        if chunksUntilProbe == 0 {
            chunksUntilProbe = Self.probeInterval - 1
            return (true, true)
        }
        chunksUntilProbe -= 1
        return (false, false)
    }

    mutating func sent(bytes: Int, seconds: Double) {
        goodput.add(Double(bytes), per: seconds)
    }

    mutating func encoded(rawBytes: Int, payloadBytes: Int, seconds: Double) {
        encodeSpeed.add(Double(rawBytes), per: seconds)
        ratio.add(Double(rawBytes), per: Double(payloadBytes))
    }

    mutating func decoded(rawBytes: Int, seconds: Double) {
        decodeSpeed.add(Double(rawBytes), per: seconds)
    }

    /// Seconds that compression saves on the link and spends on the processor, for each raw byte sent.
    private func times() -> (saved: Double, spent: Double)? {
        guard let goodput = goodput.value, let encode = encodeSpeed.value,
            let decode = decodeSpeed.value, let ratio = ratio.value
        else { return nil }
        return (2 * (1 - 1 / ratio) / goodput, 1 / encode + 2 / decode)
    }

    /// The decision with the numbers behind it.
    var reason: String {
        switch compression {
        case .none: return "off by configuration"
        case .zlib: return "on by configuration" + measured
        case .auto:
            guard let times = times() else { return "off: not measured yet" }
            let verdict = isOn ? "on: saves" : "off: would save"
            return "\(verdict) \(nanoseconds(times.saved)) of link and costs "
                + "\(nanoseconds(times.spent)) of processor a byte" + measured
        }
    }

    private var measured: String {
        func speed(_ rate: MovingRate) -> String {
            rate.value.map { "\(Int($0 / 1e6)) MB/s" } ?? "not measured"
        }
        let shrinks = ratio.value.map { "\(Double(Int($0 * 100)) / 100)" } ?? "not measured"
        return " (link \(speed(goodput)), encoder \(speed(encodeSpeed)), "
            + "decoder \(speed(decodeSpeed)), ratio \(shrinks))"
    }

    private func nanoseconds(_ seconds: Double) -> String {
        "\(Double(Int(seconds * 1e11)) / 100) ns"
    }
}

/// An amount per amount, of which older samples count less and less.
struct MovingRate {
    private var amount = 0.0
    private var per = 0.0

    mutating func add(_ amount: Double, per: Double) {
        self.amount = self.amount * 0.9 + amount
        self.per = self.per * 0.9 + per
    }

    /// The rate, or `nil` before the first sample.
    var value: Double? { per > 0 && amount > 0 ? amount / per : nil }
}
