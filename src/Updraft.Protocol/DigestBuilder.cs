using System.Security.Cryptography;
using Updraft.Protocol.Cryptography;

namespace Updraft.Protocol;

/// <summary>Computes the digest of a content that arrives in parts.</summary>
public sealed class DigestBuilder : IDisposable
{
    private readonly IncrementalHash? _system;
    private readonly PortableSha256? _portable;

    /// <summary>Starts with the empty content.</summary>
    public DigestBuilder()
    {
        if (PortableCryptography.IsEnabled)
            _portable = new PortableSha256();
        else
            _system = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
    }

    /// <summary>Appends the next bytes.</summary>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        _system?.AppendData(bytes);
        _portable?.Append(bytes);
    }

    /// <summary>Returns the digest. It ends the computation, so it can be called once.</summary>
    public Digest Complete()
    {
        Span<byte> hash = stackalloc byte[Digest.Size];
        _system?.GetHashAndReset(hash);
        _portable?.Complete(hash);
        return new Digest(hash);
    }

    /// <inheritdoc/>
    public void Dispose() => _system?.Dispose();
}
