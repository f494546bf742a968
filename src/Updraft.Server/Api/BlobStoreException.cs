namespace Updraft.Server.Api;

/// <summary>An object store that does not answer, or refuses. The message is for callers; the cause has what the store said, for the log.</summary>
internal sealed class BlobStoreException(string message, Exception? cause = null) : Exception(message, cause)
{
    public static BlobStoreException Unreachable(Exception cause) => new("The server's blob store cannot be reached at the moment.", cause);

    public static BlobStoreException Refused(string code, Exception cause) =>
        new($"The server's blob store refuses the server's credentials ({code}); its operator must check them.", cause);

    public static BlobStoreException Missing(string what, Exception cause) =>
        new($"The server's blob store has no such {what}; its operator must create it or correct Storage:Url.", cause);

    public static BlobStoreException Failed(string code, Exception cause) => new($"The server's blob store has failed ({code}).", cause);

    public static BlobStoreException Replaced(Exception? cause) => new("A blob was replaced while it was read.", cause);
}
