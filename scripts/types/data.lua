---@meta
error("types only; the functions are in runtime/bindings/lua_node.c, lua_json.c, lua_xml.c and lua_log.c")

---One node of a record, XML or JSON alike. Nodes given to a mapping function, or by records:each(), are valid until
---that function or loop step is over; later use raises an error. Nodes of xml.parse, response:xml() and
---response:json_node() keep their document alive and stay valid.
---Paths: see "Paths" in README.md: "associations/order_rows/order_row", "name/language[@id=2]", "$delivery/city".
---@class cartwright.Node
local Node = {}

---The text at `path`, trimmed; nil when absent or empty. Without path the node's own text.
---@param path? string
---@return string?
function Node:text(path) end

---@param path? string
---@return cartwright.Decimal? value nil when absent. Raises when the text is no decimal.
function Node:decimal(path) end

---@param path? string
---@return integer? value nil when absent. Raises when the text is no integer of 64 bits.
function Node:integer(path) end

---@param path? string
---@return cartwright.Node? node the first match
function Node:node(path) end

---All matches, in document order; a path that ends on a JSON array gives its members.
---@param path string
---@return fun(): cartwright.Node?
function Node:each(path) end

---@return string name of the element or key
function Node:name() end

---The bytes of the whole record that the node belongs to, as they came. Raises for a node of an answer.
---@return string
function Node:bytes() end

---`require "cartwright.json"`: strict JSON that never loses a digit. Integers of 64 bits become integers, every other
---number a Decimal, and one that no Decimal holds (past 38 digits) its text as written; null becomes `json.null`; arrays
---become lists, which encode as arrays again even when they are empty; duplicate keys are an error.
local json = {}
---@param text string
---@return any? value
---@return string? message with line and column
---@return string? code "invalid" or "limit"
function json.decode(text) end
---Tables with keys 1..n (or made by json.array) become arrays, others objects with sorted keys, an empty one `{}`;
---Decimals are written as numbers exactly; Time as ISO text. Raises, naming the place ("order.lines[1].price"), for
---floats that are no whole numbers, lists with holes, secrets, nodes, functions, invalid UTF-8 and circles.
---@param value any
---@return string
function json.encode(value) end
---@param list table
---@return table list the same table, written as an array even when empty
function json.array(list) end
json.null = nil

---`require "cartwright.csv"`
local csv = {}
---Rows of strings, integers, booleans, Decimals and Times; the first one, usually the names of the columns, says how many
---there are, and nil is an empty field. Raises for all else, and for text that is no UTF-8.
---@param rows any[][]
---@param options? { delimiter: ","|";"|"\t", crlf: boolean, guard_formulas: boolean } default: "," and a line feed; guard_formulas puts ' before what a spreadsheet would run
---@return string
function csv.encode(rows, options) end

---`require "cartwright.xml"`
local xml = {}
---@param text string
---@return cartwright.Node? root
---@return string? message with line and column
---@return string? code "invalid" or "limit"
function xml.parse(text) end
---A document from a table: { "order", id = "5", { "state", "4" } } is <order id="5"><state>4</state></order>: the
---first item is the name, keys are attributes (written in the order of their names), further items are children (tables)
---or text (strings, integers, booleans, Decimals, Times). `indent` (0 to 8) breaks lines between elements only, never
---beside a text. Raises for names and characters that no XML document can hold, floats, and secrets.
---@param tree table
---@param options? { indent: integer, declaration: boolean }
---@return string
function xml.write(tree, options) end

---`require "cartwright.log"`: structured lines of the run, with the cart's name; remembered secrets are replaced by ***.
---Up to 32 fields a line and 1,000 lines a minute; what goes beyond is dropped, and a line tells how much.
local log = {}
---@param event string short, such as "state-unknown", up to 64 bytes
---@param fields? table<string, string|number|boolean|cartwright.Decimal|cartwright.Time>
function log.info(event, fields) end
---@param event string
---@param fields? table
function log.warning(event, fields) end
---@param event string
---@param fields? table
function log.debug(event, fields) end

return { json = json, csv = csv, xml = xml, log = log }
