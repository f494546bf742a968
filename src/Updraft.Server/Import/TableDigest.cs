using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Updraft.Server.Import;

/// <summary>
/// Digest of rows in their order. It covers the kind, the length and the bytes of each value, so equal rows have the same digest in
/// SQLite and PostgreSQL.
/// </summary>
internal sealed class TableDigest : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    /// <summary>Number of rows so far.</summary>
    public long Rows { get; private set; }

    public void Add(object?[] row)
    {
        Rows++;
        foreach (var value in row)
        {
            switch (value)
            {
                case null:
                    Append(0, []);
                    break;
                case bool truth:
                    Append(1, [truth ? (byte)1 : (byte)0]);
                    break;
                case string text:
                    Append(2, Encoding.UTF8.GetBytes(text));
                    break;
                case byte[] bytes:
                    Append(3, bytes);
                    break;
                case double number:
                    Append(4, BitConverter.GetBytes(number));
                    break;
                default:
                    Append(5, BitConverter.GetBytes(Convert.ToInt64(value, System.Globalization.CultureInfo.InvariantCulture)));
                    break;
            }
        }
    }

    public CopiedTable Finish(string table) => new(table, Rows, Convert.ToHexStringLower(_hash.GetHashAndReset()));

    public void Dispose() => _hash.Dispose();

    private void Append(byte kind, ReadOnlySpan<byte> bytes)
    {
        Span<byte> head = stackalloc byte[5];
        head[0] = kind;
        BinaryPrimitives.WriteInt32LittleEndian(head[1..], bytes.Length);
        _hash.AppendData(head);
        _hash.AppendData(bytes);
    }
}
