using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using Updraft.Protocol.Cryptography;

namespace Updraft.Protocol;

/// <summary>A SHA-256 value. Its text form has 64 lower-case hexadecimal digits.</summary>
public readonly struct Digest : IEquatable<Digest>
{
    /// <summary>Size in bytes.</summary>
    public const int Size = 32;

    private const byte NoDigit = 0x80;

    private static ReadOnlySpan<byte> Digits => "0123456789abcdef"u8;

    // The framework's parser is fast only with instructions that a native program cannot assume, so a table maps ASCII to digits.
    private static readonly byte[] Values =
        [.. Enumerable.Range(0, 256).Select(ascii => Digits.IndexOf((byte)ascii) is >= 0 and var value ? (byte)value : NoDigit)];

    private readonly ulong _a, _b, _c, _d;

    /// <summary>Creates a digest from its 32 bytes.</summary>
    /// <exception cref="ArgumentException">There are more or less than 32 bytes.</exception>
    public Digest(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Size)
            throw new ArgumentException($"A digest has {Size} bytes, not {bytes.Length}.", nameof(bytes));
        _a = BinaryPrimitives.ReadUInt64BigEndian(bytes);
        _b = BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]);
        _c = BinaryPrimitives.ReadUInt64BigEndian(bytes[16..]);
        _d = BinaryPrimitives.ReadUInt64BigEndian(bytes[24..]);
    }

    /// <summary>Computes the digest of a content.</summary>
    public static Digest Of(ReadOnlySpan<byte> content)
    {
        Span<byte> hash = stackalloc byte[Size];
        PortableCryptography.Sha256(content, hash);
        return new Digest(hash);
    }

    /// <summary>Reads 64 lower-case hexadecimal digits, and rejects any other text.</summary>
    public static bool TryParse([NotNullWhen(true)] string? text, out Digest digest) => TryParse(text.AsSpan(), out digest);

    /// <summary>Reads 64 lower-case hexadecimal digits, and rejects any other text.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out Digest digest)
    {
        digest = default;
        Span<byte> bytes = stackalloc byte[Size];
        if (text.Length != Size * 2 || text.IndexOfAnyInRange('A', 'F') >= 0
            || Convert.FromHexString(text, bytes, out _, out _) != System.Buffers.OperationStatus.Done)
            return false;
        digest = new Digest(bytes);
        return true;
    }

    /// <summary>Reads 64 lower-case hexadecimal digits in ASCII, and rejects any other text.</summary>
    public static bool TryParse(ReadOnlySpan<byte> text, out Digest digest)
    {
        digest = default;
        if (text.Length != Size * 2)
            return false;
        Span<byte> bytes = stackalloc byte[Size];
        var wrong = 0;
        for (var i = 0; i < Size; i++)
        {
            int high = Values[text[2 * i]], low = Values[text[2 * i + 1]];
            wrong |= high | low;
            bytes[i] = unchecked((byte)(high << 4 | low));
        }
        if ((wrong & NoDigit) != 0)
            return false;
        digest = new Digest(bytes);
        return true;
    }

    /// <summary>Writes 64 lower-case hexadecimal digits in ASCII.</summary>
    /// <returns>Number of bytes written: 64.</returns>
    public int WriteTo(Span<byte> destination)
    {
        Span<byte> bytes = stackalloc byte[Size];
        CopyTo(bytes);
        for (var i = 0; i < Size; i++)
            (destination[2 * i], destination[2 * i + 1]) = (Digits[bytes[i] >> 4], Digits[bytes[i] & 15]);
        return Size * 2;
    }

    /// <summary>Reads 64 lower-case hexadecimal digits.</summary>
    /// <exception cref="FormatException">The text is not a digest.</exception>
    public static Digest Parse(string text) =>
        TryParse(text, out var digest)
            ? digest
            : throw new FormatException($"'{text}' is not a digest, which has 64 lower-case hexadecimal digits.");

    /// <summary>Writes 32 bytes.</summary>
    public void CopyTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, _a);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], _b);
        BinaryPrimitives.WriteUInt64BigEndian(destination[16..], _c);
        BinaryPrimitives.WriteUInt64BigEndian(destination[24..], _d);
    }

    /// <summary>Returns a copy of the 32 bytes.</summary>
    public byte[] ToArray()
    {
        var bytes = new byte[Size];
        CopyTo(bytes);
        return bytes;
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        CopyTo(bytes);
        return Convert.ToHexStringLower(bytes);
    }

    /// <inheritdoc/>
    public bool Equals(Digest other) => _a == other._a && _b == other._b && _c == other._c && _d == other._d;

    /// <inheritdoc/>
    public override bool Equals([NotNullWhen(true)] object? obj) => obj is Digest other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => _a.GetHashCode();

    /// <summary>Whether all 32 bytes are equal.</summary>
    public static bool operator ==(Digest left, Digest right) => left.Equals(right);

    /// <summary>Whether at least one byte differs.</summary>
    public static bool operator !=(Digest left, Digest right) => !left.Equals(right);
}
