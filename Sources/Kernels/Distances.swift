/// The sum of squared differences of two vectors, in eight lanes of two chains.
public func squaredDistance(_ x: Floats, _ y: Floats, count: Int) -> Float {
    checkCounts(count)
    var (s0, s1) = (SIMD8<Float>(), SIMD8<Float>())
    var i = 0
    while i &+ 16 <= count {
        let (d0, d1) = (lanes(x, i) - lanes(y, i), lanes(x, i &+ 8) - lanes(y, i &+ 8))
        s0.addProduct(d0, d0)
        s1.addProduct(d1, d1)
        i &+= 16
    }
    var total = (s0 + s1).sum()
    while i < count {
        let d = x[i] - y[i]
        total.addProduct(d, d)
        i &+= 1
    }
    return total
}
