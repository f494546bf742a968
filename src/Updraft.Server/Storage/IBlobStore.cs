namespace Updraft.Server.Storage;

/// <summary>
/// Keeps blobs under keys such as <c>packs/cm…</c> (<see cref="BlobKey"/>). A blob is there completely or not at all, whatever crashes;
/// what <see cref="IBlobWriter.CommitAsync"/> has returned for survives a power cut. A store that does not answer, or refuses, is a
/// <see cref="Api.BlobStoreException"/>.
/// </summary>
internal interface IBlobStore
{
    /// <summary>Starts a blob. Nothing is visible before the writer commits; an existing blob is replaced then.</summary>
    Task<IBlobWriter> CreateAsync(string key, CancellationToken cancellationToken);

    /// <summary>
    /// Opens a blob for reading; the stream is seekable. When the blob is replaced or removed meanwhile, the stream goes on with what it
    /// opened, or fails; it never mixes the two.
    /// </summary>
    /// <exception cref="FileNotFoundException">There is no such blob.</exception>
    Task<Stream> OpenAsync(string key, CancellationToken cancellationToken);

    /// <summary>Length in bytes; null when there is no such blob.</summary>
    Task<long?> LengthAsync(string key, CancellationToken cancellationToken);

    /// <summary>Removes a blob; a missing one is fine.</summary>
    Task DeleteAsync(string key, CancellationToken cancellationToken);

    /// <summary>Removes every blob whose key begins with a prefix that ends in <c>/</c>.</summary>
    Task DeleteAllAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>
    /// An address from which whoever has it reads the blob for some minutes, without asking whether there is such a blob; null when
    /// the store has none to give.
    /// </summary>
    Task<Uri?> ShareAsync(string key, TimeSpan lifetime, CancellationToken cancellationToken);

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
