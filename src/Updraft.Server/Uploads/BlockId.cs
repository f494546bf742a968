using System.Buffers.Text;
using System.Text;
using Updraft.Protocol;

namespace Updraft.Server.Uploads;

/// <summary>The client's name of a staged block: base64 of 1 to 64 bytes.</summary>
internal static class BlockId
{
    private const int MaxBytes = 64;

    /// <summary>Whether a text is a block id. White space, which base64 decoders like to skip, is not part of one.</summary>
    public static bool IsValid(string text) => text.Length is > 0 and <= (MaxBytes + 2) / 3 * 4
        && !text.Any(char.IsWhiteSpace) && Base64.IsValid(text, out var length) && length is > 0 and <= MaxBytes;

    /// <summary>Where the block stands among the slot's: ids hold characters that a blob key cannot have.</summary>
    public static string Key(UploadGrant slot, string id) => slot.StagingPrefix + Digest.Of(Encoding.UTF8.GetBytes(id));
}
