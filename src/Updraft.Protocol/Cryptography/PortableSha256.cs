using System.Buffers.Binary;
using System.Numerics;

namespace Updraft.Protocol.Cryptography;

/// <summary>SHA-256 by FIPS 180-4, in C#.</summary>
internal sealed class PortableSha256
{
    private const int BlockSize = 64, LengthOffset = 56;

    /// <summary>The first 32 bits of the fractional parts of the cube roots of the first 64 primes.</summary>
    private static ReadOnlySpan<uint> Constants =>
    [
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
    ];

    private readonly uint[] _state =
        [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19];

    private readonly byte[] _block = new byte[BlockSize];
    private long _length;

    public void Append(ReadOnlySpan<byte> bytes)
    {
        var filled = (int)(_length % BlockSize);
        _length += bytes.Length;
        while (filled + bytes.Length >= BlockSize)
        {
            bytes[..(BlockSize - filled)].CopyTo(_block.AsSpan(filled));
            bytes = bytes[(BlockSize - filled)..];
            filled = 0;
            Process(_block);
        }
        bytes.CopyTo(_block.AsSpan(filled));
    }

    /// <summary>Ends the computation.</summary>
    /// <param name="hash">Receives 32 bytes.</param>
    public void Complete(Span<byte> hash)
    {
        var bits = _length * 8;
        var filled = (int)(_length % BlockSize);
        _block[filled++] = 0x80;
        _block.AsSpan(filled).Clear();
        if (filled > LengthOffset)
        {
            Process(_block);
            _block.AsSpan().Clear();
        }
        BinaryPrimitives.WriteInt64BigEndian(_block.AsSpan(LengthOffset), bits);
        Process(_block);
        for (var i = 0; i < _state.Length; i++)
            BinaryPrimitives.WriteUInt32BigEndian(hash[(4 * i)..], _state[i]);
    }

    private void Process(ReadOnlySpan<byte> block)
    {
        unchecked
        {
            Span<uint> words = stackalloc uint[64];
            for (var i = 0; i < 16; i++)
                words[i] = BinaryPrimitives.ReadUInt32BigEndian(block[(4 * i)..]);
            for (var i = 16; i < 64; i++)
            {
                var (old, recent) = (words[i - 15], words[i - 2]);
                words[i] = words[i - 16] + (BitOperations.RotateRight(old, 7) ^ BitOperations.RotateRight(old, 18) ^ old >> 3)
                    + words[i - 7] + (BitOperations.RotateRight(recent, 17) ^ BitOperations.RotateRight(recent, 19) ^ recent >> 10);
            }
            var (a, b, c, d) = (_state[0], _state[1], _state[2], _state[3]);
            var (e, f, g, h) = (_state[4], _state[5], _state[6], _state[7]);
            for (var i = 0; i < 64; i++)
            {
                var first = h + (BitOperations.RotateRight(e, 6) ^ BitOperations.RotateRight(e, 11) ^ BitOperations.RotateRight(e, 25))
                    + (e & f ^ ~e & g) + Constants[i] + words[i];
                var second = (BitOperations.RotateRight(a, 2) ^ BitOperations.RotateRight(a, 13) ^ BitOperations.RotateRight(a, 22))
                    + (a & b ^ a & c ^ b & c);
                (h, g, f, e, d, c, b, a) = (g, f, e, d + first, c, b, a, first + second);
            }
            _state[0] += a;
            _state[1] += b;
            _state[2] += c;
            _state[3] += d;
            _state[4] += e;
            _state[5] += f;
            _state[6] += g;
            _state[7] += h;
        }
    }
}
