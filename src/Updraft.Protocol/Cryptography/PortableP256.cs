using System.Globalization;
using System.Numerics;

namespace Updraft.Protocol.Cryptography;

/// <summary>
/// Verifies ECDSA signatures on the curve P-256 (FIPS 186-5, SEC 1), in C#. It handles public data only: its time depends on the input.
/// </summary>
internal static class PortableP256
{
    private const int Size = 32;

    private static readonly BigInteger Prime = Parse("ffffffff00000001000000000000000000000000ffffffffffffffffffffffff");
    private static readonly BigInteger Order = Parse("ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551");
    private static readonly BigInteger B = Parse("5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604b");

    private static readonly Point Generator = new(
        Parse("6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"),
        Parse("4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"), BigInteger.One);

    /// <summary>Whether two coordinates of 32 bytes are a point of the curve.</summary>
    public static bool IsPoint(ReadOnlySpan<byte> x, ReadOnlySpan<byte> y)
    {
        if (x.Length != Size || y.Length != Size)
            return false;
        var (left, right) = (Read(x), Read(y));
        return left < Prime && right < Prime && Mod(right * right - (left * left - 3) * left - B).IsZero;
    }

    /// <summary>Verifies a signature of 64 bytes: r and s.</summary>
    /// <param name="x">X coordinate of the public key, 32 bytes. The caller has verified that the key is a point.</param>
    /// <param name="y">Y coordinate of the public key, 32 bytes.</param>
    /// <param name="hash">SHA-256 of the signed data, 32 bytes.</param>
    /// <param name="signature">The signature.</param>
    public static bool Verify(ReadOnlySpan<byte> x, ReadOnlySpan<byte> y, ReadOnlySpan<byte> hash, ReadOnlySpan<byte> signature)
    {
        if (signature.Length != 2 * Size || !IsPoint(x, y))
            return false;
        var (r, s) = (Read(signature[..Size]), Read(signature[Size..]));
        if (r.IsZero || s.IsZero || r >= Order || s >= Order)
            return false;
        var inverse = BigInteger.ModPow(s, Order - 2, Order);
        var first = Multiply(Generator, Read(hash) * inverse % Order);
        var second = Multiply(new Point(Read(x), Read(y), BigInteger.One), r * inverse % Order);
        var sum = Add(first, second);
        if (sum.Z.IsZero)
            return false;
        var z = BigInteger.ModPow(sum.Z, Prime - 2, Prime);
        return Mod(sum.X * z % Prime * z) % Order == r;
    }

    private static Point Multiply(Point point, BigInteger factor)
    {
        var result = Point.Infinity;
        for (var bit = (int)factor.GetBitLength() - 1; bit >= 0; bit--)
        {
            result = Double(result);
            if (!(factor >> bit).IsEven)
                result = Add(result, point);
        }
        return result;
    }

    private static Point Double(Point point)
    {
        if (point.Z.IsZero || point.Y.IsZero)
            return Point.Infinity;
        var square = Mod(point.Y * point.Y);
        var s = Mod(4 * point.X * square);
        var z2 = Mod(point.Z * point.Z);
        var m = Mod(3 * (point.X - z2) * (point.X + z2));
        var x = Mod(m * m - 2 * s);
        return new Point(x, Mod(m * (s - x) - 8 * square * square), Mod(2 * point.Y * point.Z));
    }

    private static Point Add(Point left, Point right)
    {
        if (left.Z.IsZero)
            return right;
        if (right.Z.IsZero)
            return left;
        var (leftZ2, rightZ2) = (Mod(left.Z * left.Z), Mod(right.Z * right.Z));
        var (u1, u2) = (Mod(left.X * rightZ2), Mod(right.X * leftZ2));
        var (s1, s2) = (Mod(left.Y * rightZ2 * right.Z), Mod(right.Y * leftZ2 * left.Z));
        if (u1 == u2)
            return s1 == s2 ? Double(left) : Point.Infinity;
        var (h, r) = (Mod(u2 - u1), Mod(s2 - s1));
        var h2 = Mod(h * h);
        var (h3, v) = (Mod(h2 * h), Mod(u1 * h2));
        var x = Mod(r * r - h3 - 2 * v);
        return new Point(x, Mod(r * (v - x) - s1 * h3), Mod(h * left.Z % Prime * right.Z));
    }

    private static BigInteger Mod(BigInteger value)
    {
        var rest = value % Prime;
        return rest.Sign < 0 ? rest + Prime : rest;
    }

    private static BigInteger Read(ReadOnlySpan<byte> bytes) => new(bytes, isUnsigned: true, isBigEndian: true);

    private static BigInteger Parse(string digits) =>
        BigInteger.Parse("0" + digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);

    /// <summary>A point in Jacobian coordinates. The coordinate Z of the point at infinity is 0.</summary>
    private readonly record struct Point(BigInteger X, BigInteger Y, BigInteger Z)
    {
        public static Point Infinity => new(BigInteger.One, BigInteger.One, BigInteger.Zero);
    }
}
