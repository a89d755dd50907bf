---@meta
error("types only; the functions are in runtime/bindings/lua_node.c, lua_json.c, lua_xml.c and lua_log.c")

---One node of a record, XML or JSON alike. Valid only during the function it was given to (mapping functions) or as
---long as its response lives (response:xml(), response:json_node()); later use raises an error.
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

---All matches, in document order.
---@param path string
---@return fun(): cartwright.Node?
function Node:each(path) end

---@return string name of the element or key
function Node:name() end

---`require "cartwright.json"`: strict JSON that never loses a digit. Integers of 64 bits become integers, every other
---number a Decimal; null becomes `json.null`; arrays become lists; duplicate keys are an error.
local json = {}
---@param text string
---@return any? value
---@return string? message with line and column
function json.decode(text) end
---Tables with keys 1..n (or made by json.array) become arrays, others objects with sorted keys; Decimals are written
---as numbers exactly; Time as ISO text. Floats that are not exact integers raise an error.
---@param value any
---@return string
function json.encode(value) end
---@param list table
---@return table list the same table, written as an array even when empty
function json.array(list) end
json.null = nil

---`require "cartwright.xml"`
local xml = {}
---@param text string
---@return cartwright.Node? root
---@return string? message with line and column
function xml.parse(text) end
---A document from a table: { "order", id = "5", { "state", "4" } } is <order id="5"><state>4</state></order>: the
---first item is the name, keys are attributes, further items are children (tables) or text (strings, integers,
---Decimals, Times).
---@param tree table
---@param options? { indent: integer, declaration: boolean }
---@return string
function xml.write(tree, options) end

---`require "cartwright.log"`: structured lines of the run; remembered secrets are replaced by ***.
local log = {}
---@param event string short, such as "state-unknown"
---@param fields? table<string, string|integer|cartwright.Decimal>
function log.info(event, fields) end
---@param event string
---@param fields? table
function log.warning(event, fields) end
---@param event string
---@param fields? table
function log.debug(event, fields) end

return { json = json, xml = xml, log = log }
