/* pg_stock.c - what is known of stock and prices. */
#include "adapters/pg_engine.h"
