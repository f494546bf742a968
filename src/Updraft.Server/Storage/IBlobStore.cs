namespace Updraft.Server.Storage;

/// <summary>
/// Keeps blobs under keys such as <c>packs/cm…</c>: components of <c>[a-z0-9._-]</c>, at most 200 characters, separated by <c>/</c>.
/// A blob is there completely or not at all, whatever crashes; what <see cref="IBlobWriter.CommitAsync"/> has returned for
/// survives a power cut.
/// </summary>
internal interface IBlobStore
{
    /// <summary>Starts a blob. Nothing is visible before the writer commits; an existing blob is replaced then.</summary>
    Task<IBlobWriter> CreateAsync(string key, CancellationToken cancellationToken);

    /// <summary>Opens a blob for reading; the stream is seekable.</summary>
    /// <exception cref="FileNotFoundException">There is no such blob.</exception>
    Task<Stream> OpenAsync(string key, CancellationToken cancellationToken);

    /// <summary>Length in bytes; null when there is no such blob.</summary>
    Task<long?> LengthAsync(string key, CancellationToken cancellationToken);

    /// <summary>Removes a blob; a missing one is fine.</summary>
    Task DeleteAsync(string key, CancellationToken cancellationToken);

    /// <summary>Removes every blob whose key begins with a prefix that ends in <c>/</c>.</summary>
    Task DeleteAllAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>Throws when the store cannot take a write now.</summary>
    Task CheckAsync(CancellationToken cancellationToken);
}

/// <summary>A blob in the making. Disposing without a commit leaves nothing behind.</summary>
internal interface IBlobWriter : IAsyncDisposable
{
    /// <summary>The content; seekable.</summary>
    Stream Content { get; }

    /// <summary>Makes the blob visible and durable.</summary>
    Task CommitAsync(CancellationToken cancellationToken);
}
