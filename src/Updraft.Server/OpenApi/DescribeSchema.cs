using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Updraft.Protocol.Api;

namespace Updraft.Server.OpenApi;

/// <summary>
/// Describes the fields of records. A response omits optional fields without a value, so no field is null, except those with
/// <see cref="MayBeNullAttribute"/>. A field that a record cannot omit is required.
/// </summary>
internal sealed class DescribeSchema : IOpenApiSchemaTransformer
{
    public Task TransformAsync(OpenApiSchema schema, OpenApiSchemaTransformerContext context, CancellationToken cancellationToken)
    {
        schema.Type &= ~JsonSchemaType.Null;
        var type = Nullable.GetUnderlyingType(context.JsonTypeInfo.Type) ?? context.JsonTypeInfo.Type;
        if (type == typeof(string) || type == typeof(DateTimeOffset))
            schema.Type = JsonSchemaType.String;
        else if (type == typeof(int) || type == typeof(long))
            // The framework also allows texts and adds a bit width, which JSON numbers do not have.
            (schema.Type, schema.Format, schema.Pattern) = (JsonSchemaType.Integer, null, null);
        if (type == typeof(DateTimeOffset))
            schema.Format = "date-time";
        if (context.JsonPropertyInfo is { } property)
            Constrain(schema, property.AttributeProvider?.GetCustomAttributes(inherit: true) ?? []);
        else if (context.JsonTypeInfo.Kind == JsonTypeInfoKind.Object)
            SetRequired(schema, context.JsonTypeInfo);
        return Task.CompletedTask;
    }

    /// <summary>Adds the limits of validation attributes to a schema.</summary>
    public static void Constrain(OpenApiSchema schema, IEnumerable<object> attributes)
    {
        foreach (var attribute in attributes)
        {
            switch (attribute)
            {
                case AllowedValuesAttribute allowed when schema.Items is OpenApiSchema items:
                    items.Enum = Values(allowed);
                    break;
                case AllowedValuesAttribute allowed:
                    schema.Enum = Values(allowed);
                    break;
                case DataTypeAttribute { DataType: DataType.DateTime }:
                    schema.Format = "date-time";
                    break;
                case MayBeNullAttribute:
                    schema.Type |= JsonSchemaType.Null;
                    break;
                case StringLengthAttribute length:
                    schema.MaxLength = length.MaximumLength;
                    schema.MinLength = length.MinimumLength > 0 ? length.MinimumLength : null;
                    break;
                case RangeAttribute range:
                    schema.Minimum = Bound(range.Minimum, int.MinValue);
                    schema.Maximum = Bound(range.Maximum, int.MaxValue);
                    break;
            }
        }
    }

    private static List<JsonNode> Values(AllowedValuesAttribute allowed) =>
        [.. allowed.Values.OfType<string>().Select(value => JsonValue.Create(value)!)];

    private static string? Bound(object value, int open) =>
        value is int number && number == open ? null : Convert.ToString(value, CultureInfo.InvariantCulture);

    private static void SetRequired(OpenApiSchema schema, JsonTypeInfo type)
    {
        schema.Required = type.Properties
            .Where(property => property.IsRequired || !property.IsGetNullable
                || property.AttributeProvider?.IsDefined(typeof(RequiredAttribute), inherit: true) == true)
            .Select(property => property.Name)
            .Concat((type.Type.GetCustomAttribute<AlsoRequiredAttribute>()?.Fields ?? []).Select(JsonNamingPolicy.CamelCase.ConvertName))
            .ToHashSet(StringComparer.Ordinal);
    }
}
