using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Updraft.Server.Uploads;

/// <summary>
/// The CRC64 of Azure Storage, which is CRC-64/NVME: reflected, starts with all bits set, inverted at the end. The packages of .NET have
/// another polynomial only.
/// </summary>
internal sealed class Crc64
{
    /// <summary>Length of the result in bytes.</summary>
    public const int Size = sizeof(ulong);

    private const ulong Polynomial = 0x9A6C9329AC4BC9B5;

    // Eight tables, so that a step takes eight bytes: table n has the CRC of each byte with n zeros after it.
    private static readonly ulong[][] Tables = CreateTables();

    private ulong _state = ulong.MaxValue;

    /// <summary>Adds bytes.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        var state = _state;
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var word in words)
        {
            var mixed = state ^ (BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word));
            state = 0;
            for (var i = 0; i < Size; i++)
                state ^= Tables[Size - 1 - i][(mixed >> (8 * i)) & 0xFF];
        }
        foreach (var single in bytes[(words.Length * Size)..])
            state = (state >> 8) ^ Tables[0][(state ^ single) & 0xFF];
        _state = state;
    }

    /// <summary>Whether the bytes so far have a CRC.</summary>
    /// <param name="expected">The CRC in the byte order of Azure Storage: lowest byte first.</param>
    public bool Matches(ReadOnlySpan<byte> expected) => BinaryPrimitives.ReadUInt64LittleEndian(expected) == ~_state;

    private static ulong[][] CreateTables()
    {
        var tables = new ulong[Size][];
        for (var table = 0; table < Size; table++)
        {
            tables[table] = new ulong[256];
            for (var i = 0; i < 256; i++)
            {
                var value = table == 0 ? (ulong)i : tables[table - 1][i];
                for (var bit = 0; bit < 8; bit++)
                    value = (value >> 1) ^ ((value & 1) * Polynomial);
                tables[table][i] = value;
            }
        }
        return tables;
    }
}
