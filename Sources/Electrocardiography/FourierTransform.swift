import Kernels

/// Discrete Fourier transforms of any length, several signals at once in the lanes of a vector.
///
/// Lengths whose prime factors are small go through Stockham's mixed-radix algorithm, others through Bluestein's
/// convolution of a power of two. Twiddles come from plain arithmetic and no plan is chosen by timing, so the
/// same input gives the same bits on every processor. Workspaces are allocated once: one instance a thread.
final class FourierTransform {
    /// Lanes of real or imaginary parts; up to eight complex signals are transformed together.
    typealias Lanes = SIMD8<Double>

    /// Points of the transform.
    let count: Int
    private let kernel: any FourierKernel

    /// A transform of a length.
    ///
    /// - Precondition: `count` is positive.
    init(count: Int) {
        precondition(count > 0, "a Fourier transform has at least one point, not \(count)")
        self.count = count
        let factors = MixedRadix.factors(of: count)
        kernel =
            factors.allSatisfy { $0 <= MixedRadix.largestFactor }
            ? MixedRadix(count: count, factors: factors) : Bluestein(count: count)
    }

    /// Transforms in place with the kernel `exp(-2 pi i j k / count)`, without a factor in front.
    ///
    /// - Precondition: Both buffers hold `count` vectors.
    func forward(
        _ real: UnsafeMutableBufferPointer<Lanes>, _ imaginary: UnsafeMutableBufferPointer<Lanes>
    ) {
        precondition(
            real.count == count && imaginary.count == count,
            "a transform of \(count) points got \(real.count) and \(imaginary.count)")
        kernel.forward(real, imaginary)
    }

    /// The inverse, without the factor `1 / count`: real and imaginary parts change places.
    func inverse(
        _ real: UnsafeMutableBufferPointer<Lanes>, _ imaginary: UnsafeMutableBufferPointer<Lanes>
    ) {
        forward(imaginary, real)
    }
}

private protocol FourierKernel: AnyObject {
    typealias Lanes = FourierTransform.Lanes
    func forward(_ re: UnsafeMutableBufferPointer<Lanes>, _ im: UnsafeMutableBufferPointer<Lanes>)
}

/// The numbers `exp(-2 pi i k / count)`.
private func unitRoots(_ count: Int) -> (cosines: [Double], sines: [Double]) {
    let angles = (0..<count).map { 2 * Double.pi * Double($0) / Double(count) }
    return (
        angles.map { ElementaryFunctions.cosine($0) }, angles.map { -ElementaryFunctions.sine($0) }
    )
}

/// Stockham's self-sorting transform: each pass takes one factor and writes to the other buffer.
private final class MixedRadix: FourierKernel {
    /// Above this a direct transform over the factor would cost more than Bluestein's detour.
    static let largestFactor = 61

    private let factors: [Int]
    private let cosines: [Double]
    private let sines: [Double]
    private let scratch: UnsafeMutableBufferPointer<Lanes>

    init(count: Int, factors: [Int]) {
        self.factors = factors
        (cosines, sines) = unitRoots(count)
        scratch = .allocate(capacity: 2 * count + 2 * Self.largestFactor)
        scratch.initialize(repeating: Lanes())
    }

    deinit { scratch.deallocate() }

    static func factors(of count: Int) -> [Int] {
        var (rest, factors, candidate) = (count, [Int](), 2)
        while rest.isMultiple(of: 4) {
            factors.append(4)
            rest /= 4
        }
        while candidate * candidate <= rest {
            while rest.isMultiple(of: candidate) {
                factors.append(candidate)
                rest /= candidate
            }
            candidate += 1
        }
        if rest > 1 { factors.append(rest) }
        return factors
    }

    func forward(_ re: UnsafeMutableBufferPointer<Lanes>, _ im: UnsafeMutableBufferPointer<Lanes>) {
        guard let real = re.baseAddress, let imaginary = im.baseAddress,
            let other = scratch.baseAddress
        else { return }
        let count = re.count
        var from = (real, imaginary)
        var to = (other, other + count)
        let gathered = (other + 2 * count, other + 2 * count + Self.largestFactor)
        var (length, repeats) = (count, 1)
        for factor in factors {
            pass(
                factor: factor, rest: length / factor, repeats: repeats, from: from, to: to,
                gathered: gathered)
            (from, to) = (to, from)
            length /= factor
            repeats *= factor
        }
        if from.0 != real {
            real.update(from: from.0, count: count)
            imaginary.update(from: from.1, count: count)
        }
    }

    private typealias Complexes = (UnsafeMutablePointer<Lanes>, UnsafeMutablePointer<Lanes>)

    /// One pass: direct transforms over a factor, times the twiddles of what is left.
    private func pass(
        factor: Int, rest: Int, repeats: Int, from: Complexes, to: Complexes, gathered: Complexes
    ) {
        let count = cosines.count
        let step = count / factor
        cosines.withUnsafeBufferPointer { cosines in
            sines.withUnsafeBufferPointer { sines in
                for q in 0..<rest {
                    for r in 0..<repeats {
                        for j in 0..<factor {
                            let at = r + repeats * (q + rest * j)
                            gathered.0[j] = from.0[at]
                            gathered.1[j] = from.1[at]
                        }
                        for k in 0..<factor {
                            var (re, im) = (gathered.0[0], gathered.1[0])
                            var root = 0
                            for j in 1..<factor {
                                root += k * step
                                if root >= count { root %= count }
                                let (c, s) = (cosines[root], sines[root])
                                re += gathered.0[j] * c - gathered.1[j] * s
                                im += gathered.0[j] * s + gathered.1[j] * c
                            }
                            let (c, s) = (cosines[repeats * q * k], sines[repeats * q * k])
                            let at = r + repeats * (factor * q + k)
                            to.0[at] = re * c - im * s
                            to.1[at] = re * s + im * c
                        }
                    }
                }
            }
        }
    }
}

/// Any length as a convolution with a chirp, by transforms of a power of two.
private final class Bluestein: FourierKernel {
    private let count: Int
    private let padded: MixedRadix
    private let paddedCount: Int
    private let cosines: [Double]
    private let sines: [Double]
    private let chirpSpectrum: UnsafeMutableBufferPointer<Lanes>
    private let work: UnsafeMutableBufferPointer<Lanes>

    init(count: Int) {
        self.count = count
        var size = 1
        while size < 2 * count - 1 { size *= 2 }
        paddedCount = size
        padded = MixedRadix(count: size, factors: MixedRadix.factors(of: size))
        let roots = unitRoots(2 * count)
        let squares = (0..<count).map {
            Int($0.multipliedFullWidth(by: $0).low % UInt(2 * count))
        }
        cosines = squares.map { roots.cosines[$0] }
        sines = squares.map { roots.sines[$0] }
        chirpSpectrum = .allocate(capacity: 2 * size)
        chirpSpectrum.initialize(repeating: Lanes())
        work = .allocate(capacity: 2 * size)
        work.initialize(repeating: Lanes())
        for j in 0..<count {
            for place in [j, (size - j) % size] {
                chirpSpectrum[place] = Lanes(repeating: cosines[j])
                chirpSpectrum[size + place] = Lanes(repeating: -sines[j])
            }
        }
        padded.forward(part(chirpSpectrum, 0), part(chirpSpectrum, 1))
    }

    deinit {
        chirpSpectrum.deallocate()
        work.deallocate()
    }

    private func part(
        _ buffer: UnsafeMutableBufferPointer<Lanes>, _ number: Int
    ) -> UnsafeMutableBufferPointer<Lanes> {
        UnsafeMutableBufferPointer(
            rebasing: buffer[number * paddedCount..<(number + 1) * paddedCount])
    }

    func forward(_ re: UnsafeMutableBufferPointer<Lanes>, _ im: UnsafeMutableBufferPointer<Lanes>) {
        let (real, imaginary) = (part(work, 0), part(work, 1))
        for i in 0..<paddedCount { (real[i], imaginary[i]) = (Lanes(), Lanes()) }
        for j in 0..<count {
            real[j] = re[j] * cosines[j] - im[j] * sines[j]
            imaginary[j] = re[j] * sines[j] + im[j] * cosines[j]
        }
        padded.forward(real, imaginary)
        for i in 0..<paddedCount {
            let (c, s) = (chirpSpectrum[i], chirpSpectrum[paddedCount + i])
            let product = (real[i] * c - imaginary[i] * s, real[i] * s + imaginary[i] * c)
            (real[i], imaginary[i]) = product
        }
        padded.forward(imaginary, real)
        let scale = 1 / Double(paddedCount)
        for k in 0..<count {
            let (x, y) = (real[k] * scale, imaginary[k] * scale)
            re[k] = x * cosines[k] - y * sines[k]
            im[k] = x * sines[k] + y * cosines[k]
        }
    }
}
