using System.Buffers.Text;
using System.Text;
using Updraft.Protocol;

namespace Updraft.Server.Uploads;

/// <summary>The id of a staged block, which the client chooses: base64 of 1 to 64 bytes.</summary>
internal static class BlockId
{
    private const int MaxBytes = 64;

    /// <summary>Whether a text is a block id. Base64 decoders ignore white space, but an id must not contain any.</summary>
    public static bool IsValid(string text) => text.Length is > 0 and <= (MaxBytes + 2) / 3 * 4
        && !text.Any(char.IsWhiteSpace) && Base64.IsValid(text, out var length) && length is > 0 and <= MaxBytes;

    /// <summary>Key of the block in the blob store: a digest, because base64 contains characters that a key must not have.</summary>
    public static string Key(UploadGrant grant, string id) => grant.StagingPrefix + Digest.Of(Encoding.UTF8.GetBytes(id));
}
