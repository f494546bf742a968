using System.Runtime.InteropServices;

namespace Updraft.Server.Archives;

/// <summary>
/// Decompresses deflate data (RFC 1951) with the library of .NET's own streams. The streams do not tell where the data ends in the bytes
/// that they have read. The members of a gzip file need this.
/// </summary>
internal sealed unsafe partial class Inflater : IDisposable
{
    private const string Library = "libSystem.IO.Compression.Native";
    private const int RawDeflate = -15, Ok = 0, StreamEnd = 1, NoRoom = -5;

    private ZStream* _stream;

    /// <exception cref="InvalidOperationException">The memory does not suffice.</exception>
    public Inflater()
    {
        _stream = (ZStream*)NativeMemory.AllocZeroed((nuint)sizeof(ZStream));
        if (InflateInit(_stream, RawDeflate) == Ok)
            return;
        NativeMemory.Free(_stream);
        _stream = null;
        throw new InvalidOperationException("Could not allocate a deflate decoder.");
    }

    /// <summary>Begins with new data.</summary>
    public void Reset()
    {
        ObjectDisposedException.ThrowIf(_stream == null, this);
        _stream->AvailIn = 0;
        if (InflateReset(_stream, RawDeflate) != Ok)
            throw new InvalidOperationException("Could not reset the deflate decoder.");
    }

    /// <summary>Decompresses a part of the input. Without read and written bytes, it needs more input.</summary>
    /// <exception cref="InvalidDataException">The data is damaged.</exception>
    public (int Read, int Written, bool IsEnd) Inflate(ReadOnlySpan<byte> input, Span<byte> output)
    {
        ObjectDisposedException.ThrowIf(_stream == null, this);
        fixed (byte* from = &MemoryMarshal.GetReference(input), to = &MemoryMarshal.GetReference(output))
        {
            _stream->NextIn = from;
            _stream->AvailIn = (uint)input.Length;
            _stream->NextOut = to;
            _stream->AvailOut = (uint)output.Length;
            var result = InflateNative(_stream, 0);
            if (result is not (Ok or StreamEnd or NoRoom))
                throw new InvalidDataException($"The deflate decoder reports {result}.");
            return (input.Length - (int)_stream->AvailIn, output.Length - (int)_stream->AvailOut, result == StreamEnd);
        }
    }

    public void Dispose()
    {
        if (_stream == null)
            return;
        _ = InflateEnd(_stream);
        NativeMemory.Free(_stream);
        _stream = null;
    }

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateInit2_")]
    private static partial int InflateInit(ZStream* stream, int windowBits);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateReset2_")]
    private static partial int InflateReset(ZStream* stream, int windowBits);

    [LibraryImport(Library, EntryPoint = "CompressionNative_Inflate")]
    private static partial int InflateNative(ZStream* stream, int flush);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateEnd")]
    private static partial int InflateEnd(ZStream* stream);

    [StructLayout(LayoutKind.Sequential)]
    private struct ZStream
    {
        public byte* NextIn, NextOut, Message;
        public void* State;
        public uint AvailIn, AvailOut;
    }
}
