using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Api;

namespace Updraft.Server.Security;

/// <summary>
/// The server's secrets, made at the first start and kept in the folder of keys, readable by the owner only:
/// <code>
/// keys/signing.pem   ECDSA P-256 private key: signs API tokens and state documents; agents pin its public half
/// keys/uploads.key   32 random bytes: signs upload addresses
/// </code>
/// </summary>
internal sealed class SigningKeys : IDisposable
{
    public SigningKeys(IOptions<ServerOptions> options)
    {
        var folder = options.Value.KeyDirectory();
        Signing = ECDsa.Create();
        Signing.ImportFromPem(Encoding.ASCII.GetString(LoadOrCreate(Path.Join(folder, "signing.pem"), static () =>
        {
            using var fresh = ECDsa.Create(ECCurve.NamedCurves.nistP256);
            return Encoding.ASCII.GetBytes(fresh.ExportPkcs8PrivateKeyPem());
        })));
        Uploads = LoadOrCreate(Path.Join(folder, "uploads.key"), static () => RandomNumberGenerator.GetBytes(32));
        Public = PublicKey.Of(Signing);
    }

    /// <summary>Signs tokens and state documents.</summary>
    public ECDsa Signing { get; }

    /// <summary>The public half of <see cref="Signing"/>.</summary>
    public PublicKey Public { get; }

    /// <summary>HMAC key of upload addresses.</summary>
    public byte[] Uploads { get; }

    /// <summary>By which other servers' keys are compared with these.</summary>
    public IEnumerable<SharedKey> Shared =>
    [
        new("signing", "signing.pem", Public.KeyId),
        new("uploads", "uploads.key", Convert.ToHexStringLower(HMACSHA256.HashData(Uploads, "which key is this"u8))),
    ];

    public void Dispose() => Signing.Dispose();

    /// <summary>The content of a file, which is made when it is missing. Of servers that start together one makes it, and all read that.</summary>
    public static byte[] LoadOrCreate(string path, Func<byte[]> create)
    {
        if (!File.Exists(path))
            AtomicFile.TryCreate(path, create());
        return File.ReadAllBytes(path);
    }
}
