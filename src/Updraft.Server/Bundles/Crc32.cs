using System.Runtime.InteropServices;

namespace Updraft.Server.Bundles;

/// <summary>The checksum of gzip (CRC-32, reflected polynomial 0xEDB88320), eight bytes at a time.</summary>
internal static class Crc32
{
    private static readonly uint[] Table = CreateTable();

    /// <summary>Continues a checksum; begin with 0.</summary>
    public static uint Append(uint checksum, ReadOnlySpan<byte> bytes)
    {
        var table = Table;
        var state = ~checksum;
        var words = MemoryMarshal.Cast<byte, ulong>(bytes);
        foreach (var raw in words)
        {
            var word = (BitConverter.IsLittleEndian ? raw : System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(raw)) ^ state;
            state = table[7 * 256 + (int)(word & 0xff)] ^ table[6 * 256 + (int)((word >> 8) & 0xff)]
                ^ table[5 * 256 + (int)((word >> 16) & 0xff)] ^ table[4 * 256 + (int)((word >> 24) & 0xff)]
                ^ table[3 * 256 + (int)((word >> 32) & 0xff)] ^ table[2 * 256 + (int)((word >> 40) & 0xff)]
                ^ table[256 + (int)((word >> 48) & 0xff)] ^ table[(int)(word >> 56)];
        }
        foreach (var value in bytes[(words.Length * sizeof(ulong))..])
            state = table[(int)((state ^ value) & 0xff)] ^ (state >> 8);
        return ~state;
    }

    private static uint[] CreateTable()
    {
        var table = new uint[8 * 256];
        for (var i = 0; i < 256; i++)
        {
            var value = (uint)i;
            for (var bit = 0; bit < 8; bit++)
                value = (value & 1) != 0 ? (value >> 1) ^ 0xEDB88320 : value >> 1;
            table[i] = value;
        }
        for (var i = 256; i < table.Length; i++)
            table[i] = table[(int)(table[i - 256] & 0xff)] ^ (table[i - 256] >> 8);
        return table;
    }
}
