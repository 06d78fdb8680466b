/// Elementary functions in plain arithmetic: the same bits on every processor.
///
/// The C library's are not, since it chooses its code by CPU. Within a few units in the last place for the ranges that training needs.
public enum ElementaryFunctions {
    /// Sine of an angle in radians, for magnitudes up to about 10^5.
    public static func sine(_ x: Double) -> Double {
        let (quadrant, r) = reduced(x)
        switch quadrant {
        case 0: return sineSeries(r)
        case 1: return cosineSeries(r)
        case 2: return -sineSeries(r)
        default: return -cosineSeries(r)
        }
    }

    /// Cosine of an angle in radians, for magnitudes up to about 10^5.
    public static func cosine(_ x: Double) -> Double {
        let (quadrant, r) = reduced(x)
        switch quadrant {
        case 0: return cosineSeries(r)
        case 1: return -sineSeries(r)
        case 2: return -cosineSeries(r)
        default: return sineSeries(r)
        }
    }

    /// e to the power x; 0 below -708 and infinity above 709.
    public static func exponential(_ x: Double) -> Double {
        guard x > -708 else { return x.isNaN ? x : 0 }
        guard x < 709 else { return .infinity }
        let k = (x * 1.442695040888963387).rounded(.toNearestOrEven)
        let r = (x - k * 0x1.62e42feep-1) - k * 0x1.a39ef35793c76p-33
        var sum = 1.0
        var i = 14.0
        while i > 0 {
            sum = 1 + sum * r / i
            i -= 1
        }
        return Double(sign: .plus, exponent: Int(k), significand: sum)
    }

    /// Natural logarithm of a positive number; -infinity for 0, NaN below.
    public static func logarithm(_ x: Double) -> Double {
        guard x > 0, x.isFinite else { return x == 0 ? -.infinity : (x < 0 ? .nan : x) }
        var exponent = Double(x.exponent)
        var significand = x.significand
        if significand > 1.4142135623730951 {
            significand /= 2
            exponent += 1
        }
        let s = (significand - 1) / (significand + 1)
        let square = s * s
        var sum = 0.0
        var i = 23.0
        while i > 0 {
            sum = sum * square + 1 / i
            i -= 2
        }
        return exponent * 0x1.62e42feep-1 + (2 * s * sum + exponent * 0x1.a39ef35793c76p-33)
    }

    /// A number to a whole power, by repeated squaring.
    public static func power(_ base: Double, _ exponent: UInt64) -> Double {
        var (result, square, rest) = (1.0, base, exponent)
        while rest > 0 {
            if rest & 1 == 1 { result *= square }
            square *= square
            rest >>= 1
        }
        return result
    }

    /// A positive number to any power.
    public static func power(_ base: Double, _ exponent: Double) -> Double {
        exponential(exponent * logarithm(base))
    }

    /// The angle less a multiple of pi/2 (in three parts, so that nothing cancels), and that multiple modulo 4.
    private static func reduced(_ x: Double) -> (quadrant: Int, remainder: Double) {
        let k = (x * 0.63661977236758134308).rounded(.toNearestOrEven)
        let r = ((x - k * 0x1.921fb544p0) - k * 0x1.0b4611a6p-34) - k * 0x1.3198a2e037073p-69
        return (Int(k) & 3, r)
    }

    private static func sineSeries(_ r: Double) -> Double {
        let square = r * r
        var sum = 1.0
        var i = 18.0
        while i > 1 {
            sum = 1 - sum * square / (i * (i + 1))
            i -= 2
        }
        return r * sum
    }

    private static func cosineSeries(_ r: Double) -> Double {
        let square = r * r
        var sum = 1.0
        var i = 17.0
        while i > 0 {
            sum = 1 - sum * square / (i * (i + 1))
            i -= 2
        }
        return sum
    }
}
